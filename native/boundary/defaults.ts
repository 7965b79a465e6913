/** What a port has where nothing is said of it: the defaults of the table of settings. */

import { portSettingFields } from './settings.ts';
import type { PortSettings } from './types.ts';

export const defaultSettings = Object.freeze(
  Object.fromEntries(Object.entries(portSettingFields).map(([name, row]) => [name, row.default])),
) as unknown as PortSettings;
