/** What a killed run leaves behind, and who cleans it up. */

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HugePageFiles, HugePages } from '../../../../backend/bench/peers/hugepages.ts';
import { reclaimRemains, recordRun } from '../../../../backend/bench/peers/remains.ts';

let parent = '';
let files: HugePageFiles;
const pages = () => Number(readFileSync(files.count, 'utf8'));
const kernelHas = (count: number, free: number): void => {
  writeFileSync(files.count, `${count}\n`);
  writeFileSync(files.meminfo, `HugePages_Free: ${free}\nHugepagesize:   2048 kB\n`);
};

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'valenic-remains-test-'));
  files = {
    count: join(parent, 'count'),
    meminfo: join(parent, 'meminfo'),
    compact: join(parent, 'compact'),
  };
});
afterEach(() => rmSync(parent, { recursive: true }));

/** A folder of a run of ours that took hugepages. */
function run(added: number): string {
  const folder = mkdtempSync(join(parent, 'valenic-peers-'));
  recordRun(folder, added);
  return folder;
}
const dead = () => false;

describe('what a comparison leaves that was killed', () => {
  it('is put in order by the next one: hugepages and folder', () => {
    kernelHas(104, 100);
    const folder = run(90);
    const sentences = reclaimRemains(parent, files, dead);
    expect(sentences).toEqual([
      `Process ${process.pid} died in a comparison: 90 hugepages returned`,
    ]);
    expect({ pages: pages(), folder: existsSync(folder) }).toEqual({ pages: 14, folder: false });
    expect(reclaimRemains(parent, files, dead)).toEqual([]);
  });
  it('stays when the run is alive', () => {
    kernelHas(104, 100);
    const folder = run(90);
    expect(reclaimRemains(parent, files)).toEqual([]);
    expect({ pages: pages(), folder: existsSync(folder) }).toEqual({ pages: 104, folder: true });
  });
  it('is not more than what nobody uses', () => {
    kernelHas(104, 60);
    run(90);
    expect(reclaimRemains(parent, files, dead)).toMatchObject([/60 hugepages returned$/]);
    expect(pages()).toBe(44);
  });
  it('is known by number and start of its process: the number may be given again', () => {
    kernelHas(104, 100);
    const folder = run(90);
    const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as object;
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...record, started: '1' }));
    expect(reclaimRemains(parent, files)).toHaveLength(1);
    expect(pages()).toBe(14);
  });
  it('of before a boot has no hugepages any more', () => {
    kernelHas(104, 100);
    const folder = run(90);
    const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')) as object;
    writeFileSync(join(folder, 'run.json'), JSON.stringify({ ...record, boot: 'another' }));
    expect(reclaimRemains(parent, files)).toHaveLength(1);
    expect(pages()).toBe(104);
  });
  it.each([
    ['no record', null],
    ['a record that is none', '{"pid":"one"}'],
    ['half a record', '{"pid":'],
  ])('is left alone with %s', (_, text) => {
    kernelHas(104, 100);
    const folder = join(parent, 'valenic-peers-x');
    mkdirSync(folder, { mode: 0o700 });
    if (text !== null) writeFileSync(join(folder, 'run.json'), text);
    expect(reclaimRemains(parent, files, dead)).toEqual([]);
    expect(existsSync(folder)).toBe(true);
  });
  it('is left alone in a folder that others may write to', () => {
    kernelHas(104, 100);
    const folder = join(parent, 'valenic-peers-x');
    mkdirSync(folder);
    recordRun(folder, 90);
    // Not with mkdir's mode, which the umask would reduce.
    chmodSync(folder, 0o777);
    expect(reclaimRemains(parent, files, dead)).toEqual([]);
  });
});

describe('a record', () => {
  it('is written before hugepages are taken, and after they were given back', () => {
    kernelHas(3, 1);
    const seen: number[] = [];
    const taken = HugePages.take(20, files, (added) => seen.push(added, pages()));
    taken.giveBack();
    expect(seen).toEqual([9, 3, 0, 3]);
  });
});
