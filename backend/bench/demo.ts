/** `npm run demo`: two guests on one switch, a ping, and their rates in every polling mode. */

import { writeFile } from 'node:fs/promises';
import { ValenicError } from '../errors.ts';
import { GuestLoad } from './guest-load.ts';
import { Bench, type BenchIo } from './index.ts';
import { parseBenchOptions } from './options.ts';
import { plotPage } from './page.ts';

const page = 'valenic-demo.html';
/** Short runs: the demo shows the way, `valenic bench sweep` measures. */
const argv = ['sweep', '--driver', 'guest', '--frame', '60', '--seconds', '1', '--repeat', '3'];

/** @returns the exit status. */
export async function runDemo(io: BenchIo): Promise<number> {
  const options = parseBenchOptions([...argv, '--warmup', '0.3'], () => {});
  if (options === null) throw new ValenicError('internal', 'the demo takes no options');
  const bench = await Bench.start(options, io);
  try {
    if (!(bench.load instanceof GuestLoad)) throw new ValenicError('internal', 'no guests');
    const { received, sent, avgMs } = await bench.load.ping(5);
    io.stdout.write(
      `\nThe guests reach each other through switch vale0: ${received} of ${sent} pings answered,` +
        ` ${avgMs?.toFixed(2) ?? '-'} ms on average\n\n` +
        'Frames per second, in millions: guest to guest, guest to host, host to guest\n\n',
    );
    const rows = await bench.run();
    bench.throwIfStopped(rows.length);
    await writeFile(page, plotPage(rows));
    io.stdout.write(`\n${explanation}\nThe plots are in ${page}\n`);
    return received > 0 && rows.every((row) => 'skipped' in row || row.exact) ? 0 : 1;
  } finally {
    await bench.close();
  }
}

const explanation = `\
Each guest runs a poll-mode driver on one virtual CPU. Without KVM that CPU is emulated (TCG), and
it limits these rates. "lost" counts frames that came faster than the receiver took them.
With fewer than three cores, two guests and a busy worker take turns of milliseconds. Each turn
moves at most the 256 buffers of one ring, so there \`event\` beats \`busy\`.
\`bin/valenic.mjs bench sweep --driver synthetic\` shows what the switch itself can do.`;
