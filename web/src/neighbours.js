import { h } from './dom.js';
import { picture } from './pictures.js';
import { addSave } from './save.js';
import { snapshot } from './snapshot.js';

function neighbour(report, index, distance, truth) {
  const { images, names } = report;
  const position = images.position(index);
  if (position === undefined) return h('div');
  const other = images.truth(position) !== truth;
  const button = picture(report, position);
  if (other) button.classList.add('other');
  return h('div', {}, button, h('p', {}, distance.toFixed(2), ...(other ? [h('br'), `is ${names[images.truth(position)]}`] : [])));
}

function row(report, { query, distances, indices }) {
  const { images, names } = report;
  const position = images.position(query);
  if (position === undefined) return null;
  const truth = images.truth(position);
  const words = h('p', {}, names[truth]);
  if (!images.isRight(position)) words.append(` \u2192 ${names[images.predicted(position)]}`);
  return h(
    'li',
    {},
    h('.query', {}, picture(report, position), words),
    h('.eight', {}, ...indices.map((index, i) => neighbour(report, index, distances[i], truth))),
  );
}

/** Each query and its eight nearest. */
export function mountNeighbours(report, figure) {
  const list = h('ul.neighbours', {}, ...report.study.neighbours.map((each) => row(report, each)));
  figure.querySelector('.stage').append(list);
  addSave(figure, 'neighbours', () => snapshot(list), () =>
    report.study.neighbours.flatMap(({ query, distances, indices }) =>
      indices.map((index, i) => ({ query, rank: i + 1, index, distance: distances[i] })),
    ),
  );
}
