/**
 * The part of QMP that is used here, as types: commands with arguments and answers, and events.
 *
 * Source: QEMU 7.2, "QEMU QMP Reference Manual"; member names are spelled as QEMU spells them.
 */

export interface QmpVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
}

export interface QmpGreeting {
  readonly version: { readonly qemu: QmpVersion; readonly package: string };
  readonly capabilities: readonly string[];
}

type None = Record<string, never>;

export type RunState =
  | 'debug'
  | 'inmigrate'
  | 'internal-error'
  | 'io-error'
  | 'paused'
  | 'postmigrate'
  | 'prelaunch'
  | 'finish-migrate'
  | 'restore-vm'
  | 'running'
  | 'save-vm'
  | 'shutdown'
  | 'suspended'
  | 'watchdog'
  | 'guest-panicked'
  | 'colo';

export interface CpuInfo {
  readonly 'cpu-index': number;
  /** Host thread id: what pinning a guest's CPU needs. */
  readonly 'thread-id': number;
  readonly 'qom-path': string;
  readonly target: string;
}

export interface CharDevice {
  readonly label: string;
  readonly filename: string;
  /** Whether a guest driver opened it. */
  readonly 'frontend-open': boolean;
}

export interface RxFilter {
  readonly name: string;
  readonly promiscuous: boolean;
  readonly 'main-mac': string;
  readonly multicast: string;
  readonly unicast: string;
}

export interface UnixSocketChardev {
  readonly type: 'socket';
  readonly data: {
    readonly addr: { readonly type: 'unix'; readonly data: { readonly path: string } };
    readonly server: boolean;
    readonly wait?: boolean;
    readonly reconnect?: number;
    readonly 'reconnect-ms'?: number;
  };
}

/** Arguments and answer of each command. */
export interface QmpCommands {
  qmp_capabilities: [{ readonly enable?: readonly string[] }, None];
  'query-version': [None, { readonly qemu: QmpVersion; readonly package: string }];
  'query-status': [None, { readonly status: RunState; readonly running: boolean }];
  'query-commands': [None, readonly { readonly name: string }[]];
  'query-kvm': [None, { readonly enabled: boolean; readonly present: boolean }];
  'query-cpus-fast': [None, readonly CpuInfo[]];
  'query-chardev': [None, readonly CharDevice[]];
  'query-rx-filter': [{ readonly name?: string }, readonly RxFilter[]];
  stop: [None, None];
  cont: [None, None];
  quit: [None, None];
  system_powerdown: [None, None];
  system_reset: [None, None];
  'set-action': [
    {
      readonly reboot?: 'reset' | 'shutdown';
      readonly shutdown?: 'pause' | 'poweroff';
      readonly panic?: 'pause' | 'shutdown' | 'exit-failure' | 'none';
    },
    None,
  ];
  set_link: [{ readonly name: string; readonly up: boolean }, None];
  'chardev-add': [{ readonly id: string; readonly backend: UnixSocketChardev }, None];
  'chardev-remove': [{ readonly id: string }, None];
  netdev_add: [
    { readonly type: string; readonly id: string; readonly [key: string]: unknown },
    None,
  ];
  netdev_del: [{ readonly id: string }, None];
  device_add: [
    { readonly driver: string; readonly id: string; readonly [key: string]: unknown },
    None,
  ];
  /** Answers when the guest was asked; the event DEVICE_DELETED says that it is done. */
  device_del: [{ readonly id: string }, None];
  'human-monitor-command': [{ readonly 'command-line': string }, string];
}
export type QmpCommandName = keyof QmpCommands;
type ArgumentOf<Name extends QmpCommandName> = QmpCommands[Name][0];
export type QmpAnswer<Name extends QmpCommandName> = QmpCommands[Name][1];

/** The arguments may be left out where every member may. */
export type QmpArguments<Name extends QmpCommandName> =
  Record<never, never> extends ArgumentOf<Name>
    ? [argument?: ArgumentOf<Name>, options?: QmpExecuteOptions]
    : [argument: ArgumentOf<Name>, options?: QmpExecuteOptions];

export interface QmpExecuteOptions {
  /** Milliseconds to wait for the answer, 10 000 when absent. */
  readonly timeoutMs?: number;
}

export type ShutdownCause =
  | 'none'
  | 'host-error'
  | 'host-qmp-quit'
  | 'host-qmp-system-reset'
  | 'host-signal'
  | 'host-ui'
  | 'guest-shutdown'
  | 'guest-reset'
  | 'guest-panic'
  | 'subsystem-reset'
  | 'snapshot-load';

/** Data of each event. */
export interface QmpEvents {
  SHUTDOWN: { readonly guest: boolean; readonly reason: ShutdownCause };
  RESET: { readonly guest: boolean; readonly reason: ShutdownCause };
  POWERDOWN: None;
  STOP: None;
  RESUME: None;
  DEVICE_DELETED: { readonly device?: string; readonly path: string };
  DEVICE_UNPLUG_GUEST_ERROR: { readonly device?: string; readonly path: string };
  NIC_RX_FILTER_CHANGED: { readonly name?: string; readonly path: string };
  VSERPORT_CHANGE: { readonly id: string; readonly open: boolean };
  GUEST_PANICKED: { readonly action: string; readonly info?: unknown };
}
export type QmpEventName = keyof QmpEvents;

/**
 * One event as it came; events without a row above come with `data: unknown` under their own
 * name.
 */
export interface QmpEvent<Name extends string = string> {
  readonly name: Name;
  readonly data: Name extends QmpEventName ? QmpEvents[Name] : unknown;
  /** QEMU's host clock, microseconds since 1970. */
  readonly timestampUs: number;
}

/** QEMU refused a command: its error class and its sentence. */
export class QmpError extends Error {
  /** GenericError, CommandNotFound, DeviceNotActive, DeviceNotFound or KVMMissingCap. */
  readonly errorClass: string;
  readonly command: string;

  constructor(command: string, errorClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`);
    this.name = 'QmpError';
    this.command = command;
    this.errorClass = errorClass;
  }
}

/** The connection ended, or an answer did not come in time. */
export class QmpConnectionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QmpConnectionError';
  }
}
