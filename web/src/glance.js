import { h, most } from './dom.js';
import { diverging, onColours } from './colours.js';
import { drawTile, field } from './pictures.js';
import { drawPoints, pointRadius, project, sharpContext } from './map.js';

const width = 120;
const height = 52;

const svgNode = (tag, attributes) => {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};
const svg = (...children) => {
  const root = svgNode('svg', { viewBox: `0 0 ${width} ${height}` });
  root.append(...children);
  return root;
};

/** Maps values onto [from, to]. */
function linear(values, from, to) {
  const [low, high] = [-most(values.map((x) => -x), -Infinity), most(values, -Infinity)];
  return (x) => from + ((x - low) / (high - low || 1)) * (to - from);
}

function augmentation({ charts }) {
  const { rows } = charts.augmentation.datasets;
  const x = linear(rows.flatMap((row) => [row.low, row.high]), 6, width - 6);
  const names = [...new Set(rows.map((row) => row.name))];
  const apart = Math.min(4, height / names.length / 4);
  const y = (row) => ((names.indexOf(row.name) + 0.5) * height) / names.length + (row.split === 'train' ? -apart : apart);
  return svg(
    ...rows.flatMap((row) => {
      const colour = row.split === 'train' ? 'var(--train)' : 'var(--held)';
      return [
        svgNode('line', { x1: x(row.low), x2: x(row.high), y1: y(row), y2: y(row), stroke: colour, 'stroke-width': 2, opacity: 0.5 }),
        svgNode('circle', { cx: x(row.accuracy), cy: y(row), r: Math.min(2.5, apart), fill: row.split === 'train' ? 'var(--page)' : colour, stroke: colour, 'stroke-width': 1.5 }),
      ];
    }),
  );
}

/** Validation losses, a line per model. */
function curves({ charts }, name) {
  const rows = charts[name].datasets.rows.filter((row) => row.value > 0);
  const x = linear(rows.map((row) => row.epoch), 4, width - 4);
  const y = linear(rows.map((row) => -Math.log(row.value)), 4, height - 4);
  const lines = [...new Set(rows.map((row) => row.name))].map((model) => {
    const points = rows.filter((row) => row.name === model && row.split === 'validation');
    return svgNode('polyline', { points: points.map((row) => `${x(row.epoch)},${y(-Math.log(row.value))}`).join(' '), fill: 'none', stroke: 'var(--held)', 'stroke-width': 1.5, opacity: 0.75 });
  });
  return svg(...lines);
}

function scaling({ charts }) {
  const { measured, line } = charts.scaling.datasets;
  const test = measured.filter((row) => row.split === 'test');
  const all = [...test, ...line];
  const x = linear(all.map((row) => Math.log(row.n)), 6, width - 6);
  const y = linear(all.map((row) => -Math.log(row.error)), 6, height - 6);
  const at = (row) => [x(Math.log(row.n)), y(-Math.log(row.error))];
  const path = (beyond) => line.filter((row) => row.beyond === beyond).sort((a, b) => a.n - b.n).map((row) => at(row).join(',')).join(' ');
  const stroke = { fill: 'none', stroke: 'var(--held)', 'stroke-width': 1.5 };
  return svg(
    svgNode('polyline', { points: path(false), ...stroke }),
    svgNode('polyline', { points: path(true), ...stroke, 'stroke-dasharray': '3 3' }),
    ...test.map((row) => svgNode('circle', { cx: at(row)[0], cy: at(row)[1], r: 2.5, fill: 'var(--held)' })),
  );
}

/** Pictures side by side, as many as there is room for. */
function strip(report, positions, side) {
  const canvas = h('canvas');
  const context = sharpContext(canvas, width, height);
  context.imageSmoothingEnabled = false;
  const one = h('canvas', { width: report.sprite.width, height: report.sprite.height });
  const perRow = Math.floor(width / (side + 2));
  positions.slice(0, perRow * Math.floor((height + 2) / (side + 2))).forEach((position, i) => {
    drawTile(one, report.sprite, position);
    context.drawImage(one, (i % perRow) * (side + 2), Math.floor(i / perRow) * (side + 2), side, side);
  });
  return canvas;
}

function mistakes(report) {
  const positions = report.study.mistakes.map((row) => report.images.position(row.index)).filter((i) => i !== undefined);
  return strip(report, positions, 25);
}

function kernels({ study }) {
  const { shape, values } = study.kernels;
  const [n, channels, rows, columns] = shape;
  const scale = most(values.map(Math.abs));
  const canvas = h('canvas');
  const context = sharpContext(canvas, width, height);
  context.imageSmoothingEnabled = false;
  for (let k = 0; k < Math.min(n, 8); k++) {
    const start = k * channels * rows * columns;
    const one = field(values.slice(start, start + rows * columns), columns, rows, scale, diverging);
    context.drawImage(one, (k % 4) * 30, Math.floor(k / 4) * 27, 25, 25);
  }
  return canvas;
}

function confusion({ charts, names }) {
  const cells = charts.confusion.datasets.cells.filter((cell) => cell.count > 0);
  const worst = most(cells.filter((cell) => cell.true !== cell.predicted).map((cell) => cell.count), 1);
  const side = height / names.length;
  return svg(
    ...cells.map((cell) =>
      svgNode('rect', {
        x: cell.predicted * side, y: cell.true * side, width: side * 0.92, height: side * 0.92,
        fill: cell.true === cell.predicted ? 'var(--diagonal)' : 'var(--error)',
        opacity: cell.true === cell.predicted ? 1 : 0.2 + (0.8 * Math.log1p(cell.count)) / Math.log1p(worst),
      }),
    ),
  );
}

function embedding(report) {
  if (!report.xy) return '';
  const canvas = h('canvas');
  const at = project(report.xy, width, height, 2);
  const radius = pointRadius(width, height, report.images.n, 0.55, 1.5);
  onColours((colours) => drawPoints(sharpContext(canvas, width, height), report.images, at, colours, radius));
  return canvas;
}

function neighbours(report) {
  const { query, indices } = report.study.neighbours[0];
  const positions = [query, ...indices].map((index) => report.images.position(index)).filter((i) => i !== undefined);
  return strip(report, positions, 25);
}

const thumbs = {
  augmentation, scaling, mistakes, kernels, confusion, embedding, neighbours,
  architecture: (report) => curves(report, 'architecture-loss'),
  history: (report) => curves(report, 'history-loss'),
};

/** The small figures of the answers. */
export function mountThumbs(report) {
  for (const cell of document.querySelectorAll('[data-thumb]')) cell.append(thumbs[cell.dataset.thumb](report));
}
