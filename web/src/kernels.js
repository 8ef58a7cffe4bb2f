import { h, most, signed } from './dom.js';
import { diverging } from './colours.js';
import { field, picture } from './pictures.js';
import { addSave } from './save.js';
import { snapshot } from './snapshot.js';

const page = 16;

function scaleBar(title, scale, digits) {
  const steps = Array.from({ length: 101 }, (_, i) => i / 50 - 1);
  const canvas = field(steps, 101, 1, 1, diverging);
  canvas.classList.remove('tile');
  const ends = h('div', {}, h('span', {}, signed(-scale, digits)), h('span', {}, '0'), h('span', {}, signed(scale, digits)));
  return h('.scale', {}, title, canvas, ends);
}

/** One kernel: its planes in full, then its responses. */
function kernelRow(report, k, scale) {
  const { kernels } = report.study;
  const [, channels, height, width] = kernels.shape;
  const size = height * width;
  const planes = Array.from({ length: channels }, (_, c) => {
    const start = (k * channels + c) * size;
    const canvas = field(kernels.values.slice(start, start + size), width, height, scale, diverging);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `Kernel ${k + 1}${channels > 1 ? `, channel ${c + 1}` : ''}`);
    return canvas;
  });
  const kind = report.kernel_kinds[k];
  const row = h('.kernel', {}, h('div', {}, h('p', {}, `${k + 1} \u00b7 ${kind}`), h('div.planes', {}, ...planes)));
  row.append(...responses(report, k));
  return row;
}

function responses(report, k) {
  const { responses: of, responseValues } = report;
  if (!of) return [];
  const size = of.width * of.height;
  return of.positions.map((position, i) => {
    const start = (i * of.kernels + k) * size;
    const canvas = field(responseValues.subarray(start, start + size), of.width, of.height, 127, diverging);
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', `Response of kernel ${k + 1} to image ${i + 1}`);
    return canvas;
  });
}

/** Every kernel of the first layer beside what it makes of the same images. */
export function mountKernels(report, figure) {
  const { kernels } = report.study;
  const [n, channels, height, width] = kernels.shape;
  const scale = most(kernels.values.map(Math.abs));
  const grid = h('.kernels');
  const sources = report.responses?.positions ?? [];
  const heads = () =>
    h('.kernel.sources', {}, h('p', {}, 'kernel'), ...sources.map((position) => picture(report, position)));
  const more = h('button.word.more', { type: 'button' }, `Show all ${n} kernels`);
  const render = (limit) => {
    const rows = Array.from({ length: Math.min(limit, n) }, (_, k) => kernelRow(report, k, scale));
    grid.replaceChildren(...(sources.length ? [heads(), heads()] : []), ...rows);
    more.hidden = limit >= n;
  };
  more.addEventListener('click', () => render(n));
  render(page);
  const scales = h('.scales', {}, scaleBar('weight', scale, 2));
  if (report.responses) scales.append(scaleBar('response', report.responses.scale, 1));
  const stage = figure.querySelector('.stage');
  stage.append(grid, more, scales);
  addSave(figure, 'kernels', () => snapshot(stage), () =>
    kernels.values.map((weight, i) => ({
      kernel: Math.floor(i / (channels * height * width)) + 1,
      channel: (Math.floor(i / (height * width)) % channels) + 1,
      row: (Math.floor(i / width) % height) + 1,
      column: (i % width) + 1,
      weight,
    })),
  );
}
