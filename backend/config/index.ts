/** Configuration as an operator writes it, parsed into plain data. */

export { hint } from '../values/suggest.ts';
export { settingKind } from '../values/table.ts';
export {
  choice,
  cpuList,
  integer,
  numberList,
  onOff,
  readValue,
  type ValueKind,
} from '../values/values.ts';
export { fileKeys, parseConfig, readConfigFile } from './file.ts';
export { settingKeys } from './keys.ts';
export {
  parsePort,
  parsePortName,
  parseSettingWords,
  parseTarget,
  portText,
} from './port.ts';
export { securityTexts } from './security.ts';
export {
  type LogLevel,
  type PartialServeConfig,
  type ServeConfig,
  type ServeKey,
  serveConfig,
  serveField,
  serveKeyNames,
  serveKeys,
  serveValues,
} from './serve.ts';
export { checked, checkedPort, checkedSettings } from './spec.ts';
export { parseSwitch, type SwitchConfig } from './switch.ts';
export { vlansMeet, vlanText } from './vlan.ts';
