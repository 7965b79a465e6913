/**
 * Plots as SVG: no script, nothing loaded; colours come from the page's style, for both schemes.
 */

/** A figure with the range of its runs. */
export interface Mark {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Bar extends Mark {
  readonly label: string;
  /** Colour, 0 to 5. */
  readonly series: number;
  /** Behind the bar, after its value. */
  readonly remark?: string;
}

export interface BarGroup {
  readonly label: string;
  readonly bars: readonly Bar[];
}

export interface Line {
  readonly name: string;
  readonly points: readonly (Mark & { readonly x: number })[];
}

export interface LineChart {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  /** Distances of x are those of its logarithm: for sizes that double. */
  readonly logarithmic: boolean;
  readonly lines: readonly Line[];
}

const width = 760;
const barHeight = 18;
const barStep = 22;
const labelWidth = 190;
const remarkWidth = 190;
const plot = { left: 64, right: 20, top: 16, bottom: 46, height: 300 } as const;

export function escapeText(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Round numbers from 0 to at least `highest`, five or so. */
export function ticksUpTo(highest: number): readonly number[] {
  const rough = Math.max(highest, 1e-6) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.ceil(Math.max(highest, 1e-6) / step);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

/** Horizontal bars in groups; the thin line is the range of the runs. */
export function barChart(title: string, unit: string, groups: readonly BarGroup[]): string {
  const bars = groups.flatMap((group) => group.bars);
  const ticks = ticksUpTo(Math.max(0, ...bars.map((bar) => bar.high)));
  const span = width - labelWidth - remarkWidth;
  const x = (value: number) => labelWidth + (value / (ticks.at(-1) ?? 1)) * span;
  const marks: string[] = [];
  let y = 8;
  for (const group of groups) {
    marks.push(text(0, y + 13, group.label, 'group'));
    y += barStep;
    for (const bar of group.bars) {
      marks.push(barMarks(bar, x, y));
      y += barStep;
    }
    y += 10;
  }
  const axis = ticks.map(
    (tick) =>
      `<path class="grid" d="M${at(x(tick))} 4V${y}"/>` +
      text(x(tick), y + 15, figure(tick), 'tick middle'),
  );
  const name = text(labelWidth + span / 2, y + 33, unit, 'tick middle');
  return svg(title, y + 40, [...axis, ...marks, name]);
}

function barMarks(bar: Bar, x: (value: number) => number, y: number): string {
  const middle = y + barHeight / 2;
  const length = Math.max(1, x(bar.value) - labelWidth);
  const remark = bar.remark === undefined ? '' : `: ${bar.remark}`;
  return [
    text(labelWidth - 8, y + 13, bar.label, 'end'),
    `<rect class="fill${bar.series}" x="${labelWidth}" y="${y}" width="${at(length)}"` +
      ` height="${barHeight}" rx="2"/>`,
    `<path class="range" d="M${at(x(bar.low))} ${middle}H${at(x(bar.high))}` +
      `M${at(x(bar.low))} ${middle - 4}v8M${at(x(bar.high))} ${middle - 4}v8"/>`,
    text(Math.max(x(bar.value), x(bar.high)) + 7, y + 13, `${figure(bar.value)}${remark}`, ''),
  ].join('\n');
}

/** Lines over x; a vertical stroke at each point is the range of its runs. */
export function lineChart({ title, xName, yName, logarithmic, lines }: LineChart): string {
  const points = lines.flatMap((line) => line.points);
  const values = [...new Set(points.map((point) => point.x))].toSorted((a, b) => a - b);
  const ticks = ticksUpTo(Math.max(0, ...points.map((point) => point.high)));
  const place = (value: number) => (logarithmic ? Math.log2(value) : value);
  const [first, last] = [place(values[0] ?? 0), place(values.at(-1) ?? 1)];
  const right = width - plot.right;
  const bottom = plot.top + plot.height;
  const x = (value: number) =>
    plot.left + 12 + ((place(value) - first) / (last - first || 1)) * (right - plot.left - 24);
  const y = (value: number) => bottom - (value / (ticks.at(-1) ?? 1)) * plot.height;
  const marks = [
    ...ticks.flatMap((tick) => [
      `<path class="grid" d="M${plot.left} ${at(y(tick))}H${right}"/>`,
      text(plot.left - 8, y(tick) + 4, figure(tick), 'tick end'),
    ]),
    ...spaced(values, x).map((value) => text(x(value), bottom + 18, `${value}`, 'tick middle')),
    text((plot.left + right) / 2, bottom + 38, xName, 'tick middle'),
    `<text class="tick middle" transform="translate(14 ${plot.top + plot.height / 2})` +
      ` rotate(-90)">${escapeText(yName)}</text>`,
    ...lines.map((line, series) => lineMarks(line, series, x, y)),
  ];
  return legend(lines.map(({ name }) => name)) + svg(title, bottom + plot.bottom, marks);
}

function lineMarks(
  { name, points }: Line,
  series: number,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const path = sorted.map((point, index) => {
    return `${index === 0 ? 'M' : 'L'}${at(x(point.x))} ${at(y(point.value))}`;
  });
  const dots = sorted.map((point) => {
    const [left, middle] = [at(x(point.x)), at(y(point.value))];
    return (
      `<path class="line${series}" d="M${left} ${at(y(point.low))}V${at(y(point.high))}"/>` +
      `<circle class="fill${series}" cx="${left}" cy="${middle}" r="4">` +
      `<title>${escapeText(`${name}, ${point.x}: ${figure(point.value)}`)}</title></circle>`
    );
  });
  return `<path class="line${series} wide" d="${path.join('')}"/>\n${dots.join('\n')}`;
}

/** Those whose labels do not run into one another. */
function spaced(values: readonly number[], x: (value: number) => number): readonly number[] {
  let end = Number.NEGATIVE_INFINITY;
  return values.filter((value) => {
    const half = `${value}`.length * 4 + 3;
    if (x(value) - half < end) return false;
    end = x(value) + half;
    return true;
  });
}

/** Names beside their colours, above a plot. */
export function legend(names: readonly string[]): string {
  const entries = names.map(
    (name, series) => `<span><i class="key${series}"></i>${escapeText(name)}</span>`,
  );
  return `<p class="legend">${entries.join(' ')}</p>\n`;
}

function svg(title: string, height: number, marks: readonly string[]): string {
  return (
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${quoted(title)}">\n` +
    `${marks.join('\n')}\n</svg>`
  );
}

function text(x: number, y: number, words: string, style: string): string {
  return `<text class="${style}" x="${at(x)}" y="${at(y)}">${escapeText(words)}</text>`;
}
function quoted(words: string): string {
  return escapeText(words).replaceAll('"', '&quot;');
}
function at(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
/** Three digits that say something. */
export function figure(value: number): string {
  if (value === 0) return '0';
  return value >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`;
}
