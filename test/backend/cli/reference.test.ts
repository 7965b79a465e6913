/** docs/reference: fresh, and with a text for everything that the tables have. */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exampleFile, referencePages } from '../../../backend/cli/reference.ts';
import { fileKeys, parseConfig } from '../../../backend/config/index.ts';
import {
  fileKeyTexts,
  keysHelp,
  kindKeyTexts,
  settingTexts,
} from '../../../backend/config/key-texts.ts';
import { apiRoutes } from '../../../backend/daemon/routes-table.ts';
import { portKinds } from '../../../backend/ports/index.ts';

const root = resolve(import.meta.dirname, '../../..');

describe('docs/reference', () => {
  it.each(Object.entries(referencePages()))('%s is what the tables say', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8'), `run \`npm run manual\``).toBe(text);
  });

  it('says of every key what it means', () => {
    const keys = [...settingTexts(), ...portKinds.flatMap(kindKeyTexts), ...fileKeyTexts()];
    expect(keys.filter(({ meaning }) => meaning === '').map(({ key }) => key)).toEqual([]);
    expect(fileKeyTexts().map(({ key }) => key)).toEqual(fileKeys);
  });

  it('has an example of a file that is read', () => {
    const { workers, cpus, ports } = parseConfig(exampleFile.join('\n'), '/etc/valenic.yaml');
    expect({ workers, cpus, ports: ports.length }).toEqual({ workers: 2, cpus: [0, 1], ports: 3 });
  });

  it('has every route that is served, and no other', () => {
    const source = readFileSync(join(root, 'backend/daemon/routes.ts'), 'utf8');
    const served = [...source.matchAll(/\bapp\.(get|post|patch|put|delete)(?:<\w+>)?\('([^']+)'/g)];
    const routes = served.map(([, method = '', path]) => `${method.toUpperCase()} ${path}`);
    expect(apiRoutes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(routes.sort());
  });
});

describe('the help of port add', () => {
  it('names every kind and every key', () => {
    const help = keysHelp();
    for (const kind of portKinds) expect(help).toMatch(new RegExp(`^  ${kind}\\b`, 'm'));
    const keys = [...settingTexts(), ...portKinds.flatMap(kindKeyTexts)];
    expect(keys.filter(({ key }) => !help.includes(`\n  ${key}=`))).toEqual([]);
  });
});
