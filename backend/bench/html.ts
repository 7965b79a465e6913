/** The frame of every page of plots: style for light and dark, tables, the environment. */

import { escapeText } from './chart.ts';
import type { Environment } from './environment.ts';

export interface Page {
  readonly title: string;
  /** HTML, what the reader should know first. */
  readonly lead: string;
  readonly sections: readonly string[];
  readonly table: TableOf;
  readonly environment: Environment | undefined;
}

export interface TableOf {
  readonly head: readonly string[];
  readonly lines: readonly (readonly string[])[];
}

/** Okabe and Ito's colours, told apart also by those who see few; lighter ones on dark. */
const light = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8a6d00', '#555555'];
const dark = ['#56b4e9', '#e69f00', '#2fc79b', '#e29fc8', '#d9c75a', '#aaaaaa'];
const variables = (colours: readonly string[]) =>
  colours.map((colour, series) => `--c${series}:${colour}`).join(';');
const perSeries = light
  .map(
    (_, n) =>
      `.fill${n}{fill:var(--c${n})}.line${n}{stroke:var(--c${n})}.key${n}{background:var(--c${n})}`,
  )
  .join('');

const style = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2329; --soft: #5c6670;
  --grid: #dfe3e8; ${variables(light)} }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec;
  --soft: #9aa4af; --grid: #2c333b; ${variables(dark)} } }
body { font: 15px/1.55 system-ui, sans-serif; margin: 2.5em auto; max-width: 54em;
  padding: 0 1.2em; background: var(--paper); color: var(--ink) }
h1 { font-size: 1.6em; line-height: 1.25; margin: 0 0 .5em }
h2 { font-size: 1.1em; margin: 2.4em 0 .3em }
p { max-width: 46em }
svg { width: 100%; height: auto; display: block }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg .tick { fill: var(--soft) }
svg .group { font-weight: 600 }
svg .middle { text-anchor: middle }
svg .end { text-anchor: end }
.grid { stroke: var(--grid); fill: none }
.range { stroke: var(--ink); stroke-opacity: .65; fill: none }
path[class^=line] { fill: none; stroke-width: 1.2 }
path.wide { stroke-width: 2.2 }
.legend { margin: .2em 0 .6em }
.legend span { margin-right: 1.3em; white-space: nowrap }
.legend i { display: inline-block; width: .75em; height: .75em; border-radius: 2px;
  margin-right: .4em }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .28em .9em .28em 0; vertical-align: top;
  border-bottom: 1px solid var(--grid); white-space: nowrap }
td.note { white-space: normal; min-width: 22em; overflow-wrap: anywhere }
th, dt { color: var(--soft); font-weight: 500 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15em 1.2em; font-size: 13px }
dd { margin: 0; overflow-wrap: anywhere }
${perSeries}`;

export function pageText({ title, lead, sections, table, environment }: Page): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Valenic: ${escapeText(title)}</title>
<style>${style}</style>
<h1>${escapeText(title)}</h1>
<p>${lead}</p>
${sections.join('\n')}
<h2>All figures</h2>
${tableText(table)}
<h2>Environment</h2>
${environment === undefined ? '<p>Nothing was measured.</p>' : environmentList(environment)}
</html>
`;
}

export function section(title: string, body: string, note = ''): string {
  const words = note === '' ? '' : `<p>${escapeText(note)}</p>\n`;
  return `<h2>${escapeText(title)}</h2>\n${words}${body}`;
}

/** A cell longer than this is a sentence, and may be broken. */
const sentenceFrom = 32;

function tableText({ head, lines }: TableOf): string {
  const cell = (text: string) =>
    `<td${text.length > sentenceFrom ? ' class="note"' : ''}>${escapeText(text)}</td>`;
  const names = head.map((name) => `<th scope="col">${escapeText(name)}</th>`).join('');
  const body = lines.map((cells) => `<tr>${cells.map(cell).join('')}</tr>`).join('\n');
  return `<div class="scroll"><table>\n<thead><tr>${names}</tr></thead>\n${body}\n</table></div>`;
}

function environmentList(environment: Environment): string {
  const entries = Object.entries(environment).filter(([, value]) => value !== null);
  const lines = entries.map(([name, value]: [string, unknown]) => {
    const text = Array.isArray(value) ? value.join(' ') : String(value);
    return `<dt>${escapeText(name)}</dt><dd>${escapeText(text)}</dd>`;
  });
  return `<dl>\n${lines.join('\n')}\n</dl>`;
}
