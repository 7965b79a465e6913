/**
 * The rows of a sweep as one page: plots drawn in SVG, no script, nothing loaded from elsewhere.
 */

import type { Row, SkippedRow } from './row.ts';
import { environmentText, tableHead, tableLine } from './table.ts';

const width = 860;
/** For the longest label beside the longest bar: `12.345 Mpps, p99 12345.6 us`. */
const right = 210;
const barHeight = 16;
const groupGap = 14;
const left = 170;
/** Light enough for the range that is drawn over the bar, dark enough for words. */
const colours = { on: '#7fb2d9', off: '#e5b271' } as const;
const inks = { on: '#2f6f9f', off: '#a5681a' } as const;
const names = { g2g: 'Guest to guest', g2h: 'Guest to host', h2g: 'Host to guest' } as const;

export function plotPage(all: readonly (Row | SkippedRow)[]): string {
  const rows = all.filter((row): row is Row => !('skipped' in row));
  const groups = groupBy(
    rows,
    (row) => `${names[row.scenario]}, frames of ${row.frameBytes} bytes (${row.driver})`,
  );
  const plots = [...groups].map(([title, group]) => plotOf(title, group)).join('\n');
  const table = [tableHead(), ...all.map(tableLine)].map(escapeText).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Valenic: polling mode, more and frame size</title>
<style>
  body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em; color: #222 }
  svg text { font: 12px sans-serif } pre { overflow-x: auto; font-size: 12px }
  h2 { font-size: 16px; margin: 1.5em 0 .3em }
</style>
<h1>Polling mode, more and frame size</h1>
<p>Frames received per second, in millions: the bar is the median of the runs, the line its range.
<b style="color:${inks.on}">more on</b>: frames of a burst are published together.
<b style="color:${inks.off}">more off</b>: every frame alone.</p>
${plots}
<h2>All figures</h2>
<pre>${table}</pre>
<h2>Measured on</h2>
<pre>${escapeText(environmentText(all))}</pre>
</html>
`;
}

function plotOf(title: string, rows: readonly Row[]): string {
  const highest = Math.max(...rows.map((row) => row.mpps.max), 0.001);
  const scale = (width - left - right) / highest;
  const modes = [...groupBy(rows, (row) => row.polling)];
  let y = 4;
  const marks: string[] = [];
  for (const [mode, group] of modes) {
    marks.push(text(0, y + barHeight - 4, mode));
    for (const row of group) {
      marks.push(bar(row, y, scale));
      y += barHeight + 4;
    }
    y += groupGap;
  }
  return `<h2>${escapeText(title)}</h2>
<svg viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">
${marks.join('\n')}
</svg>`;
}

function bar(row: Row, y: number, scale: number): string {
  const { median, min, max } = row.mpps;
  const [end, low, high] = [left + median * scale, left + min * scale, left + max * scale];
  const middle = y + barHeight / 2;
  const length = Math.max(1, end - left);
  const delay = row.latencyUs === null ? '' : `, p99 ${row.latencyUs.p99.toFixed(1)} us`;
  return [
    text(90, y + barHeight - 4, `more ${row.more ? 'on' : 'off'}`),
    `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}"` +
      ` fill="${row.more ? colours.on : colours.off}"/>`,
    `<path d="M${low.toFixed(1)} ${middle}H${high.toFixed(1)}" stroke="#222"/>`,
    ...[low, high].map((x) => `<path d="M${x.toFixed(1)} ${middle - 4}v8" stroke="#222"/>`),
    text(Math.max(end, high) + 6, y + barHeight - 4, `${median.toFixed(3)} Mpps${delay}`),
  ].join('\n');
}

function text(x: number, y: number, words: string): string {
  return `<text x="${x.toFixed(0)}" y="${y}">${escapeText(words)}</text>`;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return groups;
}

function escapeText(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
