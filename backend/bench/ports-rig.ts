/** Many vhost-user ports of one switch, for one measurement. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Backend, type BackendOptions, createBackend } from '../backend.ts';

/**
 * Runs `use` with a back-end of `count` ports, and the sockets it listens on; both are gone
 * afterwards, whatever happened.
 */
export async function withPorts<Result>(
  count: number,
  options: BackendOptions,
  use: (backend: Backend, sockets: readonly string[]) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'valenic-ports-'));
  const backend = await createBackend(options);
  try {
    const paths = Array.from({ length: count }, (_, index) => join(folder, `${index}.sock`));
    for (const [index, path] of paths.entries()) {
      const name = { switch: 'vale0', port: `g${index}` };
      const device = { kind: 'vhost-user', path, role: 'server', queues: 1 } as const;
      await backend.addPort({ name, device, settings: {} });
    }
    return await use(backend, paths);
  } finally {
    await backend.close();
    await rm(folder, { recursive: true, force: true });
  }
}
