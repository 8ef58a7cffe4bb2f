import { h, images as imagesWords, percent } from './dom.js';
import { mountChart } from './charts.js';
import { showGallery } from './gallery.js';
import { picture } from './pictures.js';

const compact = (report) => report.names.length > 30;

/** The matrix at a given width: square cells, slanted names where they are long. */
function fitMatrix(spec, width) {
  const out = JSON.parse(JSON.stringify(spec));
  const side = Math.min(width - 70, 440);
  if (out.mark) return { ...out, width: side, height: side }; // the compact map
  const names = [...new Set(out.datasets.cells.map((cell) => cell.true_name))];
  const longest = Math.max(...names.map((name) => name.length));
  const room = Math.min(width - 30 - 7 * Math.min(longest, 14), 440);
  if (longest > 3) out.encoding.x.axis = { ...out.encoding.x.axis, labelAngle: -40, labelAlign: 'left', labelLimit: 110 };
  out.encoding.y.axis.labelLimit = 110;
  const cell = room / names.length;
  const widest = (cells) => Math.max(1, ...cells.map(({ count }) => count.toLocaleString('en-US').length));
  const size = (cells) => Math.max(7, Math.min(13, cell * 0.5, (cell * 1.45) / widest(cells)));
  const { cells } = out.datasets;
  out.layer[2].encoding.size = {
    condition: { test: 'datum.diagonal', value: size(cells) },
    value: size(cells.filter(({ diagonal }) => !diagonal)),
  };
  return { ...out, width: room, height: room };
}

/** Makes the drawn cells buttons: one tab stop, arrow keys between them, Enter or click lists the images. */
function makeButtons(plot, view, choose) {
  const cells = new Map();
  for (const element of plot.querySelectorAll('.layer_1_marks path, .marks.mark-symbol path')) {
    const datum = element.__data__?.datum;
    if (!datum?.description) continue;
    element.setAttribute('role', 'button');
    element.setAttribute('aria-label', datum.description);
    element.removeAttribute('aria-roledescription');
    element.setAttribute('tabindex', '-1');
    element.classList.add('focusable');
    cells.set(`${datum.true},${datum.predicted}`, { element, datum });
  }
  const list = [...cells.values()];
  const errors = list.filter(({ datum }) => !datum.diagonal).sort((a, b) => b.datum.count - a.datum.count);
  (errors[0] ?? list[0])?.element.setAttribute('tabindex', '0');
  for (const { element, datum } of list) {
    element.addEventListener('click', () => choose(datum));
    element.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.preventDefault();
        choose(datum);
      } else move(event, datum, list);
    });
  }
}

/** The nearest cell with images in the arrow's direction gets the focus. */
function move(event, from, list) {
  const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
  if (!step) return;
  event.preventDefault();
  let best = null;
  for (const { element, datum } of list) {
    const along = (datum.true - from.true) * step[0] + (datum.predicted - from.predicted) * step[1];
    const across = Math.abs((datum.true - from.true) * step[1]) + Math.abs((datum.predicted - from.predicted) * step[0]);
    if (along > 0 && (!best || along + 3 * across < best.cost)) best = { element, cost: along + 3 * across };
  }
  if (!best) return;
  list.forEach(({ element }) => element.setAttribute('tabindex', '-1'));
  best.element.setAttribute('tabindex', '0');
  best.element.focus();
}

/** Images of one cell, the surest mistakes first. */
function ofCell(images, truth, predicted) {
  return images
    .where((i) => images.truth(i) === truth && images.predicted(i) === predicted)
    .sort((a, b) => images.top(b)[0].p - images.top(a)[0].p);
}

function pairRow(report, cell, open) {
  const { images, names } = report;
  const example = ofCell(images, cell.true, cell.predicted)[0];
  const words = h(
    'div',
    {},
    h('p', {}, `${names[cell.true]} taken for ${names[cell.predicted]}`),
    h('p.images', {}, `${imagesWords(cell.count)}, ${percent(cell.share)} of all ${names[cell.true]}`),
    h('button.word', { type: 'button', 'aria-label': `Show ${names[cell.true]} taken for ${names[cell.predicted]}`, onclick: () => open(cell) }, 'Show'),
  );
  return h('.pair', {}, example === undefined ? '' : picture(report, example, '4.5rem'), words);
}

/** The matrix, its most confused pairs in words, and the images of a chosen cell. */
export async function mountConfusion(report, figure) {
  const spec = report.charts.confusion;
  const place = document.querySelector('[data-figure="cell"]');
  const cells = spec.datasets.cells;
  const choose = (cell) => {
    const positions = ofCell(report.images, cell.true, cell.predicted);
    const [truth, predicted] = [report.names[cell.true], report.names[cell.predicted]];
    const shown = positions.length === cell.count ? '' : `, ${positions.length} of them here`;
    showGallery(report, place, `True ${truth}, predicted ${predicted}: ${imagesWords(cell.count)}${shown}`, positions);
  };
  let normalised = false;
  const current = await mountChart(figure, 'confusion', spec, {
    fitSpec: (of, width) => {
      const out = fitMatrix(of, width);
      out.params?.forEach((param) => (param.value = normalised));
      return out;
    },
    onDrawn: (view, plot) => makeButtons(plot, view, choose),
  });
  if (!compact(report)) {
    const box = h('input', { type: 'checkbox', role: 'switch', id: 'by-row' });
    box.addEventListener('change', async () => {
      normalised = box.checked;
      await current().signal('by_row', normalised).runAsync();
      makeButtons(figure.querySelector('.plot'), current(), choose);
    });
    figure.querySelector('figcaption').after(h('.controls', {}, h('label', {}, box, 'Percent of each row')));
  }
  const errors = cells.filter((cell) => cell.true !== cell.predicted && cell.count > 0).sort((a, b) => b.count - a.count || a.true - b.true || a.predicted - b.predicted);
  const pairs = document.querySelector('[data-figure="pairs"]');
  pairs.append(...errors.slice(0, compact(report) ? 5 : 3).map((cell) => pairRow(report, cell, choose)));
}
