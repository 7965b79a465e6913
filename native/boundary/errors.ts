/** Why a command is refused: a table of the boundary. */

import { field, type Struct, text, u32 } from './fields.ts';

export const commandErrors = {
  unknown_port: 'no port has this number',
  unknown_switch: 'no switch has this number',
  unknown_worker: 'no worker has this number',
  name_in_use: 'the name is taken on this switch',
  switch_full: 'a switch has at most 254 ports',
  switch_not_empty: 'the switch still has ports',
  limit_reached: 'a limit of the datapath has been reached',
  invalid_argument: 'an argument is out of range',
  wrong_state: 'the port or ring is not in a state for this command',
  region_overlaps: 'two memory regions overlap',
  region_overflows: 'a memory region ends beyond the 64-bit address space or the file',
  region_invalid: 'a memory region is empty, or its file cannot be mapped',
  fd_not_eventfd: 'a kick or call descriptor is not an eventfd',
  worker_busy:
    'a worker is stuck in the middle of a batch; try again when the log says that it goes on',
  system: 'the operating system refused',
  closed: 'the datapath is closed',
  message_malformed: 'a message is cut off, too long, or not what a sender of this version makes',
  version_unknown: 'a message is of a version that this side does not read',
  unknown_command: 'no command has this number',
} as const satisfies Record<string, string>;
export type CommandError = keyof typeof commandErrors;

/** What comes instead of an answer. */
export const failure: Struct = {
  name: 'Failure',
  text: 'Why there is no answer.',
  fields: {
    code: field(1, text(64), 'A name of commandErrors or of faults.'),
    text: field(2, text(1024), 'One sentence.'),
    errno: field(3, u32(), 'What the operating system said; 0: it was not asked.', 0),
    doing: field(4, text(64), 'What was being done then, e.g. a system call.', ''),
  },
};
