/** Hugepages for the peers: taken from the system for one run, and given back at its end. */

import { readFileSync, writeFileSync } from 'node:fs';

/** Of the size every x86 and most arm64 kernels have by default. */
const pageMiB = 2;

/** The kernel's files; a test has its own. */
export interface HugePageFiles {
  /** Pages that exist, of the default size. */
  readonly count: string;
  readonly meminfo: string;
  readonly compact: string;
}
const kernelFiles: HugePageFiles = {
  count: '/proc/sys/vm/nr_hugepages',
  meminfo: '/proc/meminfo',
  compact: '/proc/sys/vm/compact_memory',
};

export class HugePages {
  /** What a row says about them. */
  readonly text: string;
  readonly available: boolean;
  readonly #files: HugePageFiles;
  readonly #added: number;
  readonly #record: (added: number) => void;

  private constructor(
    { files, record }: { files: HugePageFiles; record: (added: number) => void },
    added: number,
    available: boolean,
    text: string,
  ) {
    this.#files = files;
    this.#record = record;
    this.#added = added;
    this.available = available;
    this.text = text;
  }

  /**
   * Never fails: without them the peers run with `--no-huge`, and `text` says why.
   *
   * @param record  Gets what is about to be added, so that the next run can return it if we die.
   */
  static take(
    wantedMiB: number,
    files: HugePageFiles = kernelFiles,
    record: (added: number) => void = () => {},
  ): HugePages {
    const wanted = Math.ceil(wantedMiB / pageMiB);
    const from = { files, record };
    const none = (why: string, added = 0) => new HugePages(from, added, false, `none: ${why}`);
    try {
      if (sizeKiB(files) !== pageMiB * 1024) return none('their default size is not 2 MiB');
      const [count, free] = [countOf(files), freeOf(files)];
      const missing = Math.max(0, wanted - free);
      const text = `${wanted} of ${pageMiB} MiB`;
      if (missing === 0) return new HugePages(from, 0, true, text);
      record(missing);
      // Free memory may lie in pieces.
      writeFileSync(files.compact, '1');
      writeFileSync(files.count, `${count + missing}`);
      const added = countOf(files) - count;
      if (added >= missing) return new HugePages(from, added, true, text);
      const pages = none(`the system provided ${added} of ${missing}`, added);
      pages.giveBack();
      return none(`the system provided ${added} of ${missing}`);
    } catch (error) {
      return none(error instanceof Error ? error.message : String(error));
    }
  }

  giveBack(): void {
    if (this.#added === 0) return;
    writeFileSync(this.#files.count, `${Math.max(0, countOf(this.#files) - this.#added)}`);
    this.#record(0);
  }
}

/** What a run that is dead had added: as much of it as nobody uses. @returns how many. */
export function returnPages(added: number, files: HugePageFiles = kernelFiles): number {
  try {
    const pages = Math.min(added, freeOf(files), countOf(files));
    if (pages > 0) writeFileSync(files.count, `${countOf(files) - pages}`);
    return pages;
  } catch {
    return 0;
  }
}

function countOf(files: HugePageFiles): number {
  return Number(readFileSync(files.count, 'utf8'));
}
function freeOf(files: HugePageFiles): number {
  return meminfo(files, 'HugePages_Free');
}
function sizeKiB(files: HugePageFiles): number {
  return meminfo(files, 'Hugepagesize');
}
function meminfo(files: HugePageFiles, key: string): number {
  const found = new RegExp(`^${key}: +(\\d+)`, 'm').exec(readFileSync(files.meminfo, 'utf8'));
  return Number(found?.[1] ?? 0);
}
