/** The keys of ports in words: for the help, the manual and the reference. */

import { type KindName, kindOf, portKinds } from '../ports/kinds.ts';
import { fileKeys } from './file.ts';
import { settingKeys } from './keys.ts';
import { type ServeKey, type ServeKeyName, serveKeyNames, serveKeys } from './serve.ts';

/** One key as a person reads about it. */
export interface KeyText {
  readonly key: string;
  readonly meaning: string;
  /** What may follow "=". */
  readonly allowed: string;
  /** What counts where it is not given. */
  readonly given?: string;
}

/** Settings: they can change under traffic, of every kind of port. */
export function settingTexts(): readonly KeyText[] {
  return textsOf(settingKeys);
}

/** Keys of one kind of port, fixed when it is added. */
export function kindKeyTexts(name: KindName): readonly KeyText[] {
  return textsOf(kindOf(name).keys);
}

function textsOf(table: Readonly<Record<string, Omit<KeyText, 'key'>>>): readonly KeyText[] {
  return Object.entries(table).map(([key, { meaning, allowed, given }]) => ({
    ...{ key, meaning, allowed },
    ...(given !== undefined && { given }),
  }));
}

/** Below the help of `port add`: every kind, and every key there is. */
export function keysHelp(): string {
  const line = ({ key, meaning, allowed }: KeyText) => `  ${key}=  ${meaning} (${allowed})`;
  const kinds = portKinds.map((name) => {
    const { form, text, keys: table } = kindOf(name);
    const keys = Object.keys(table).join(', ');
    return `  ${form.padEnd(16)}  ${text}${keys === '' ? '' : `; keys: ${keys}`}`;
  });
  const own = new Map(portKinds.flatMap(kindKeyTexts).map((text) => [text.key, text]));
  return [
    ...['', 'Kinds:', ...kinds],
    ...['', 'Keys of kinds, fixed when a port is added:', ...[...own.values()].map(line)],
    ...['', 'Settings of every kind, which port set changes too:', ...settingTexts().map(line)],
  ].join('\n');
}

/** Keys of the configuration file. */
export function fileKeyTexts(): readonly KeyText[] {
  return fileKeys.map((key) => ({ key, ...fileTexts[key] }));
}

const fileTexts: Readonly<Record<(typeof fileKeys)[number], Omit<KeyText, 'key'>>> = {
  ...(Object.fromEntries(
    serveKeyNames.map((key) => {
      const { kind, meaning, given }: ServeKey = serveKeys[key];
      return [key, { meaning, allowed: kind.allowed, ...(given !== undefined && { given }) }];
    }),
  ) as Readonly<Record<ServeKeyName, Omit<KeyText, 'key'>>>),
  cpu: { meaning: 'the same as cpus', allowed: serveKeys.cpus.kind.allowed },
  control: { meaning: 'the control socket', allowed: 'a path' },
  switches: { meaning: 'switches that differ from the default', allowed: 'a list, see below' },
  ports: { meaning: 'ports to start with', allowed: 'a list, see below' },
};
