import { h, count } from './dom.js';
import { picture } from './pictures.js';

const page = 60;

/** Lists images under a heading, a page at a time; an empty list clears the place. */
export function showGallery(report, place, title, positions) {
  place.replaceChildren();
  if (!title) return;
  const grid = h('.grid');
  const more = h('button.word.more', { type: 'button' });
  let shown = 0;
  const next = () => {
    const end = Math.min(shown + page, positions.length);
    grid.append(...positions.slice(shown, end).map((position) => picture(report, position)));
    shown = end;
    more.hidden = shown >= positions.length;
    more.textContent = `Show ${count(Math.min(page, positions.length - shown))} more of ${count(positions.length)}`;
  };
  more.addEventListener('click', next);
  next();
  place.append(h('h3', { 'aria-live': 'polite' }, title), grid, more);
}
