import { h, count, percent } from './dom.js';
import { picture } from './pictures.js';
import { addSave } from './save.js';
import { snapshot } from './snapshot.js';

const page = 24;

function share(p, kind) {
  return h('div', {}, h(`i.bar.${kind}`, { '--share': `${(100 * p).toFixed(1)}%` }), h('span', {}, percent(p)));
}

function card(report, row) {
  const { names } = report;
  return h(
    'li.mistake',
    {},
    picture(report, row.position),
    h('p', {}, `${names[row.true]} \u2192 ${names[row.predicted]}`),
    h('.shares', {}, share(row.p_true, 'truth'), share(row.p_predicted, 'wrong')),
  );
}

function classFilter(label, rows, key, names, onChange) {
  const classes = [...new Set(rows.map((row) => row[key]))].sort((a, b) => a - b);
  const select = h('select', { onchange: onChange }, h('option', { value: '' }, 'any'));
  select.append(...classes.map((c) => h('option', { value: c }, names[c])));
  return { select, element: h('label', {}, label, select) };
}

/** The mistakes, worst first, filtered by true and predicted class. */
export function mountMistakes(report, figure) {
  const { study, images, names } = report;
  const rows = study.mistakes
    .map((row) => ({ ...row, position: images.position(row.index) }))
    .filter((row) => row.position !== undefined);
  const list = h('ul.mistakes');
  const told = h('span.count', { 'aria-live': 'polite' });
  const more = h('button.word.more', { type: 'button' });
  let limit = page;
  const render = () => {
    const chosen = rows.filter(
      (row) =>
        (truth.select.value === '' || row.true === Number(truth.select.value)) &&
        (predicted.select.value === '' || row.predicted === Number(predicted.select.value)),
    );
    list.replaceChildren(...chosen.slice(0, limit).map((row) => card(report, row)));
    told.textContent = `${count(chosen.length)} mistake${chosen.length === 1 ? '' : 's'}`;
    more.hidden = chosen.length <= limit;
    more.textContent = `Show all ${count(chosen.length)}`;
  };
  const restart = () => {
    limit = page;
    render();
  };
  const truth = classFilter('True', rows, 'true', names, restart);
  const predicted = classFilter('Predicted', rows, 'predicted', names, restart);
  more.addEventListener('click', () => {
    limit = Infinity;
    render();
  });
  figure.querySelector('.stage').append(h('.controls', {}, truth.element, predicted.element, told), list, more);
  render();
  addSave(figure, 'mistakes', () => snapshot(list), () => study.mistakes);
}
