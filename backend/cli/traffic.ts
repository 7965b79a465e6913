/** `valenic polling`, `more` and `mtu`: how ports move frames, and which, changed under traffic. */

import type { Command } from 'commander';
import { portSettingFields } from '../../native/boundary/index.ts';
import { parseTarget, readValue, settingKind } from '../config/index.ts';
import type { Cli } from './io.ts';
import { portTable } from './port.ts';

const target = 'a port (vale0:vm1), or a switch (vale0) for all its ports';

export function addTrafficCommands(program: Command, cli: Cli): void {
  program
    .command('polling')
    .description('set how a port waits for work: busy spins, event sleeps, adaptive does both')
    .argument('<name>', target)
    .argument('<mode>', `one of ${settingKind('polling').allowed}`)
    .option('--spin-us <n>', `${portSettingFields.spinUs.help}: ${settingKind('spinUs').allowed}`)
    .action((name: string, mode: string, options: { readonly spinUs?: string }) =>
      polling(name, mode, options.spinUs, cli),
    );
  program
    .command('more')
    .description('set batching: off publishes and notifies each frame alone')
    .argument('<name>', target)
    .argument('<on|off>', 'on: in batches, off: one by one')
    .action((name: string, word: string) => more(name, word, cli));
  program
    .command('mtu')
    .description(
      'set the longest packet of a port; of a switch: of all its ports, and of later ones',
    )
    .argument('<name>', target)
    .argument('<bytes>', settingKind('mtu').allowed)
    .action((name: string, text: string) => mtu(name, text, cli));
}

async function polling(
  name: string,
  mode: string,
  spin: string | undefined,
  cli: Cli,
): Promise<void> {
  parseTarget(name);
  const body = { mode: readValue(settingKind('polling'), 'mode', mode) };
  const spinUs =
    spin === undefined ? {} : { spinUs: readValue(settingKind('spinUs'), '--spin-us', spin) };
  const ports = await cli.client().polling(name, { ...body, ...spinUs });
  cli.data({ ports }, () => portTable(ports));
}

async function mtu(name: string, text: string, cli: Cli): Promise<void> {
  parseTarget(name);
  const ports = await cli.client().mtu(name, readValue(settingKind('mtu'), 'mtu', text));
  cli.data({ ports }, () => portTable(ports));
}

async function more(name: string, word: string, cli: Cli): Promise<void> {
  parseTarget(name);
  const ports = await cli.client().more(name, readValue(settingKind('more'), 'more', word));
  cli.data({ ports }, () => portTable(ports));
}
