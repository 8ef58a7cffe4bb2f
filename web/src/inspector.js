import { h, percent, count } from './dom.js';
import { drawTile, picture, describe } from './pictures.js';
import { onColours } from './colours.js';
import { drawPoints, pointRadius, project, ring, sharpContext } from './map.js';

const mapWidth = 280;
const mapHeight = 150;

/**
 * One panel for every image of the page. Whatever carries data-position (a test image) or data-tile (an augmented
 * example) is shown when it is pointed at or focused; a click or Enter keeps it until Escape.
 */
export class Inspector {
  constructor(report, panel) {
    this.report = report;
    this.panel = panel;
    this.kept = false;
    this.listeners = [];
    this.build();
    document.addEventListener('pointerover', (event) => this.onPoint(event));
    document.addEventListener('focusin', (event) => this.onFocus(event));
    document.addEventListener('click', (event) => this.onClick(event));
    document.addEventListener('keydown', (event) => event.key === 'Escape' && this.release());
  }

  build() {
    const { sprite, sheet, xy } = this.report;
    const { width, height } = sprite ?? sheet;
    this.title = h('h2');
    this.keep = h('button.word.release', { type: 'button', hidden: true, onclick: () => this.release() }, 'Release');
    this.close = h('button.word.close', { type: 'button', onclick: () => this.release() }, 'Close');
    this.canvas = h('canvas.tile', { width, height, role: 'img', 'aria-label': '' });
    this.verdict = h('p.verdict');
    this.bars = h('.bars', { role: 'group', 'aria-label': 'Probabilities' });
    this.near = h('.near');
    this.neighbourhood = h('.neighbourhood', {}, h('h3', {}, 'Five nearest by features'), this.near);
    this.probabilities = h('.probabilities', {}, this.bars);
    this.said = h('p.unseen', { role: 'status' });
    this.panel.append(
      h('.top', {}, this.title, h('span', {}, this.keep, this.close)),
      h('.large', {}, this.canvas),
      this.verdict,
      this.probabilities,
      this.neighbourhood,
    );
    if (xy) this.buildMap();
    this.panel.append(h('p.hint', {}, 'Point at any image on this page. A click keeps it here, Escape lets go.'), this.said);
    if (!sprite) this.showExample(0, 'Example 1');
  }

  buildMap() {
    this.map = h('canvas', { role: 'img', 'aria-label': 'Where this image lies on the map', style: `aspect-ratio:${mapWidth}/${mapHeight}` });
    this.places = project(this.report.xy, mapWidth, mapHeight, 8);
    this.background = document.createElement('canvas');
    this.panel.append(h('.place', {}, h('h3', {}, 'Place on the map'), this.map));
    onColours((colours) => {
      this.colours = colours;
      const radius = pointRadius(mapWidth, mapHeight, this.report.images.n, 0.8, 2.2);
      drawPoints(sharpContext(this.background, mapWidth, mapHeight), this.report.images, this.places, colours, radius);
      if (this.shown !== undefined) this.drawPlace();
    });
  }

  onPoint(event) {
    /* Inside the panel only a click moves on, or the picture would flee from the pointer. */
    const source = event.target.closest?.('[data-position], [data-tile]');
    if (source && !this.kept && event.pointerType !== 'touch' && !this.panel.contains(source)) this.showSource(source);
  }

  onFocus(event) {
    const source = event.target.closest?.('[data-position], [data-tile]');
    if (source && !this.kept && !this.panel.contains(source) && source.matches(':focus-visible')) this.showSource(source);
  }

  onClick(event) {
    const source = event.target.closest?.('[data-position], [data-tile]');
    if (!source) return;
    this.showSource(source);
    this.hold();
    this.uncover(source);
  }

  /** As a sheet at the window's foot the panel may cover what was chosen: scrolls it free. */
  uncover(source) {
    if (getComputedStyle(this.panel).position !== 'fixed' || this.panel.contains(source)) return;
    const covered = source.getBoundingClientRect().bottom + 16 - this.panel.getBoundingClientRect().top;
    if (covered > 0) scrollBy(0, covered);
  }

  showSource(source) {
    if (source.dataset.tile !== undefined) this.showExample(Number(source.dataset.tile), source.getAttribute('aria-label'));
    else this.show(Number(source.dataset.position), source);
  }

  /** Keeps what is shown. */
  hold() {
    this.kept = true;
    this.keep.hidden = false;
    this.panel.classList.add('open');
    this.said.textContent = this.canvas.getAttribute('aria-label');
  }

  release() {
    this.kept = false;
    this.keep.hidden = true;
    this.panel.classList.remove('open');
    document.querySelectorAll('.picture.shown').forEach((element) => element.classList.remove('shown'));
  }

  mark(source) {
    document.querySelectorAll('.picture.shown').forEach((element) => element.classList.remove('shown'));
    if (source && !this.panel.contains(source)) source.classList.add('shown');
  }

  /** Called with the position whenever another test image is shown. */
  onShow(listener) {
    this.listeners.push(listener);
  }

  show(position, source = null) {
    const { images, names, sprite } = this.report;
    this.shown = position;
    this.mark(source);
    this.title.textContent = `Test image ${count(images.index(position))}`;
    drawTile(this.canvas, sprite, position);
    this.canvas.setAttribute('aria-label', describe(this.report, position));
    const truth = names[images.truth(position)];
    const predicted = names[images.predicted(position)];
    this.verdict.replaceChildren('true ', h('b', {}, truth), ' \u2192 predicted ');
    this.verdict.append(h(images.isRight(position) ? 'b.right' : 'b.wrong', {}, predicted, images.isRight(position) ? ' \u2713' : ' \u2717'));
    this.fillBars(position);
    const nearest = images.nearest(position).slice(0, 5);
    this.near.replaceChildren(...nearest.map((near) => this.nearFigure(near)));
    this.probabilities.hidden = false;
    this.neighbourhood.hidden = nearest.length === 0;
    if (this.map) {
      this.map.parentElement.hidden = false;
      this.drawPlace();
    }
    this.listeners.forEach((listener) => listener(position));
  }

  fillBars(position) {
    const { images, names } = this.report;
    const truth = images.truth(position);
    const top = images.top(position);
    if (top.length === names.length) top.sort((a, b) => a.class - b.class);
    else if (!top.some((row) => row.class === truth)) top.splice(-1, 1, { class: truth, p: images.pTruth(position) });
    this.bars.replaceChildren(
      ...top.flatMap((row) => {
        const kind = row.class === truth ? '.truth' : row.class === images.predicted(position) ? '.wrong' : '';
        return [
          h('span', { title: names[row.class] }, names[row.class]),
          h(`i.bar${kind}`, { '--share': `${(100 * row.p).toFixed(2)}%`, 'aria-hidden': 'true' }),
          h('span.share', {}, percent(row.p)),
        ];
      }),
    );
  }

  nearFigure({ position, distance }) {
    const { images, names } = this.report;
    const name = names[images.truth(position)];
    return h('figure', {}, picture(this.report, position), h('figcaption', { title: name }, h('span', {}, name), distance.toFixed(1)));
  }

  drawPlace() {
    const context = sharpContext(this.map, mapWidth, mapHeight);
    context.globalAlpha = 0.45;
    context.drawImage(this.background, 0, 0, mapWidth, mapHeight);
    context.globalAlpha = 1;
    const [x, y] = [this.places[2 * this.shown], this.places[2 * this.shown + 1]];
    ring(context, x, y, 6, this.colours.page, 4);
    ring(context, x, y, 6, this.colours.ink, 2);
  }

  /** An augmented example: nothing is known of it but how it looks. */
  showExample(i, label) {
    this.mark(null);
    this.shown = undefined;
    this.title.textContent = 'Augmented example';
    drawTile(this.canvas, this.report.sheet, i);
    this.canvas.setAttribute('aria-label', label);
    this.verdict.replaceChildren(label);
    this.probabilities.hidden = this.neighbourhood.hidden = true;
    if (this.map) this.map.parentElement.hidden = true;
  }
}
