/** A client's socket that the kernel connects to itself, where nobody listens. */

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../../backend/datapath/load.ts';

/** A network of its own, whose kernel has one port to choose. */
const words = ['--user', '--map-root-user', '--net', '--', 'sh', '-c'];
const onePort =
  'ip link set lo up && echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range && "$@"';
const may = spawnSync('unshare', [...words, 'true']).status === 0;

const program = `
  const { loadAddon } = await import(process.argv[1]);
  const addon = loadAddon();
  const socket = addon.connectTcp('127.0.0.1', 40000);
  await new Promise((resolve) => socket.onceWritable(resolve));
  console.log(addon.localPort(socket.fd), addon.socketError(socket.fd));
  socket.close();
`;

it.skipIf(!may)('is refused: whoever retries would talk to itself for ever', () => {
  const module = join(packageRoot(), 'dist/backend/datapath/load.js');
  const node = [process.execPath, '--input-type=module', '-e', program, module];
  const said = execFileSync('unshare', [...words, onePort, 'sh', ...node], { encoding: 'utf8' });
  expect(said.trim()).toBe('40000 ECONNREFUSED');
});
