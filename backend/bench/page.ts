/**
 * The rows of a sweep as one page: plots drawn in SVG, no script, nothing loaded from elsewhere.
 */

import type { Row, SkippedRow } from './row.ts';
import { tableHead, tableLine } from './table.ts';

const width = 720;
const barHeight = 16;
const groupGap = 14;
const left = 210;
const colours = { on: '#2f6f9f', off: '#c98a3b' } as const;

export function plotPage(all: readonly (Row | SkippedRow)[]): string {
  const rows = all.filter((row): row is Row => !('skipped' in row));
  const groups = groupBy(
    rows,
    (row) => `${row.scenario}, ${row.driver}, ${row.frameBytes} B frames`,
  );
  const plots = [...groups].map(([title, group]) => plotOf(title, group)).join('\n');
  const environment = rows[0]?.environment;
  const table = [tableHead(), ...all.map(tableLine)].map(escapeText).join('\n');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Valenic: polling mode, more and frame size</title>
<style>
  body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #222 }
  svg text { font: 12px sans-serif } pre { overflow-x: auto; font-size: 12px }
  h2 { font-size: 16px; margin: 1.5em 0 .3em }
</style>
<h1>Polling mode, more and frame size</h1>
<p>Frames received per second, in millions: the bar is the median of the runs, the line its range.
<b style="color:${colours.on}">more on</b>: frames of a burst are published together.
<b style="color:${colours.off}">more off</b>: every frame alone.</p>
${plots}
<h2>All figures</h2>
<pre>${table}</pre>
<h2>Environment</h2>
<pre>${escapeText(JSON.stringify(environment ?? {}, null, 2))}</pre>
</html>
`;
}

function plotOf(title: string, rows: readonly Row[]): string {
  const highest = Math.max(...rows.map((row) => row.mpps.max), 0.001);
  const scale = (width - left - 90) / highest;
  const modes = [...groupBy(rows, (row) => row.polling)];
  let y = 4;
  const marks: string[] = [];
  for (const [mode, group] of modes) {
    marks.push(text(0, y + barHeight, mode));
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
    text(high + 6, y + barHeight - 4, `${median.toFixed(2)}${delay}`),
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
