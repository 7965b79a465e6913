/** The daemon, its control API, and a client for it. */

export { folderFault } from '../xdg.ts';
export type {
  AddPortBody,
  ApiEvent,
  PortAnswer,
  PortDetail,
  StatsAnswer,
  SwitchAnswer,
  VersionAnswer,
} from './api.ts';
export { ControlClient } from './client.ts';
export { Daemon, type DaemonOptions, packageVersion } from './daemon.ts';
export { defaultControlPath } from './paths.ts';
