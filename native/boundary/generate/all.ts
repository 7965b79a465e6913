/** Everything that comes from the tables of this room. Run by `npm run spec`. */

import { boundaryVersion } from '../version.ts';
import { messagesHeader, messagesSource } from './cpp-messages.ts';
import { settingsHeader, settingsSource } from './cpp-settings.ts';
import { namesHeader } from './names.ts';
import { recordedFile, recordedText } from './record.ts';
import { referencePage } from './reference.ts';
import { typesFile } from './types.ts';
import { limitsHeader, versionHeader } from './version.ts';

/** The texts, by their paths from the root of the repository. */
export function generateBoundary(): Record<string, string> {
  return {
    'docs/reference/datapath.md': referencePage(),
    'native/boundary/types.ts': typesFile(),
    'native/src/boundary/limits.hpp': limitsHeader(),
    'native/src/boundary/messages.cpp': messagesSource(),
    'native/src/boundary/messages.hpp': messagesHeader(),
    'native/src/boundary/names.hpp': namesHeader(),
    'native/src/boundary/settings.cpp': settingsSource(),
    'native/src/boundary/settings.hpp': settingsHeader(),
    'native/src/boundary/version.hpp': versionHeader(),
    [recordedFile(boundaryVersion)]: recordedText(),
  };
}
