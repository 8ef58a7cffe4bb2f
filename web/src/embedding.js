import { h, count, images as imagesWords } from './dom.js';
import { onColours } from './colours.js';
import { chartSvg } from './charts.js';
import { classColour, drawPoints, placeNames, pointRadius, project, ring, sharpContext } from './map.js';
import { showGallery } from './gallery.js';
import { addSave } from './save.js';

const reach = 14; // pixels within which a point counts as pointed at
const manyClasses = 30;

/** Which image lies nearest to a place, by cells of a grid. */
class Finder {
  constructor(at, size = 16) {
    this.at = at;
    this.size = size;
    this.cells = new Map();
    for (let i = 0; i < at.length / 2; i++) {
      const key = this.key(at[2 * i], at[2 * i + 1]);
      if (!this.cells.has(key)) this.cells.set(key, []);
      this.cells.get(key).push(i);
    }
  }
  key(x, y) {
    return Math.floor(x / this.size) * 65536 + Math.floor(y / this.size);
  }
  nearest(x, y, isShown) {
    let best = null;
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++)
        for (const i of this.cells.get(this.key(x + dx * this.size, y + dy * this.size)) ?? []) {
          const far = Math.hypot(this.at[2 * i] - x, this.at[2 * i + 1] - y);
          if (far <= reach && (!best || far < best.far) && isShown(i)) best = { i, far };
        }
    return best?.i;
  }
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

class EmbeddingView {
  constructor(report, inspector, figure) {
    Object.assign(this, { report, inspector, figure });
    this.hidden = new Set();
    this.onlyMistakes = false;
    this.base = h('canvas', { 'aria-hidden': 'true' });
    this.over = h('canvas.over', { tabindex: 0, role: 'application', 'aria-label': this.instructions() });
    this.frame = h('.map', {}, this.base, this.over);
    this.place = h('div');
    this.said = h('p.unseen', { role: 'status' });
    figure.querySelector('.stage').append(this.controls(), this.frame, this.legend(), this.said, this.place);
    onColours((colours) => {
      this.colours = colours;
      if (this.at) this.draw();
    });
    new ResizeObserver(() => this.resize()).observe(this.frame);
    this.resize();
    this.listen();
    inspector.onShow((position) => {
      this.current = position;
      this.drawOver();
    });
  }

  instructions() {
    return (
      'Map of the test images. Arrow keys go from image to image, Enter lists the images around, Escape clears. ' +
      'With the mouse, drag to list the images of an area.'
    );
  }

  isShown = (i) => !this.hidden.has(this.report.images.truth(i)) && !(this.onlyMistakes && this.report.images.isRight(i));

  controls() {
    const box = h('input', { type: 'checkbox', role: 'switch' });
    box.addEventListener('change', () => {
      this.onlyMistakes = box.checked;
      this.draw();
    });
    return h('.controls', {}, h('label', {}, box, 'Mistakes only'));
  }

  /** A switch per class; with very many classes a list to pick one from. */
  legend() {
    const { names } = this.report;
    if (names.length > manyClasses) return this.picker();
    const buttons = names.map((name, c) => {
      const button = h('button', { type: 'button', 'aria-pressed': 'true', '--swatch': `var(--class-${c % 10})` }, h('i'), name);
      button.addEventListener('click', () => {
        const show = this.hidden.delete(c);
        if (!show) this.hidden.add(c);
        button.setAttribute('aria-pressed', String(show));
        this.draw();
      });
      return button;
    });
    const all = h('button.word', { type: 'button' }, 'all');
    const none = h('button.word', { type: 'button' }, 'none');
    const set = (show) => {
      this.hidden = new Set(show ? [] : names.keys());
      buttons.forEach((button) => button.setAttribute('aria-pressed', String(show)));
      this.draw();
    };
    all.addEventListener('click', () => set(true));
    none.addEventListener('click', () => set(false));
    return h('.legend', { role: 'group', 'aria-label': 'Classes shown' }, ...buttons, h('.together', {}, all, none));
  }

  picker() {
    const { names } = this.report;
    const select = h('select', {}, h('option', { value: '' }, 'all classes'), ...names.map((name, c) => h('option', { value: c }, name)));
    select.addEventListener('change', () => {
      this.hidden = new Set(select.value === '' ? [] : [...names.keys()].filter((c) => c !== Number(select.value)));
      this.draw();
    });
    return h('.controls', {}, h('label', {}, 'Show', select));
  }

  resize() {
    const width = this.frame.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.height = Math.round(width * (width < 600 ? 1 : 0.78));
    this.base.style.height = this.over.style.height = `${this.height}px`;
    this.over.style.width = `${width}px`;
    this.at = project(this.report.xy, width, this.height, 14);
    this.finder = new Finder(this.at);
    this.draw();
  }

  draw() {
    const { images } = this.report;
    const context = sharpContext(this.base, this.width, this.height);
    const radius = pointRadius(this.width, this.height, images.n, 1.3, 3.5);
    drawPoints(context, images, this.at, this.colours, radius, this.isShown);
    const wrong = images.where((i) => !images.isRight(i) && this.isShown(i));
    const many = wrong.length > images.n / 20; // finer rings, or they hide the map
    const gap = many ? Math.min(1.2, 0.6 * radius) : 2.2;
    context.globalAlpha = many && radius < 2 ? 0.6 : 1;
    for (const i of wrong) ring(context, this.at[2 * i], this.at[2 * i + 1], radius + gap, this.colours.ink, many ? 0.6 : 1);
    context.globalAlpha = 1;
    this.drawNames(context);
    this.drawOver();
  }

  /** Each class is named where its points are: the legend is for switching. */
  drawNames(context) {
    const { images, names } = this.report;
    if (names.length > manyClasses) return;
    const members = names.map(() => []);
    for (let i = 0; i < images.n; i++) if (this.isShown(i)) members[images.truth(i)].push(i);
    const size = names.every((name) => name.length < 3) ? 20 : 14;
    context.font = `600 ${size}px ${getComputedStyle(this.frame).fontFamily}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    const placed = members.flatMap((list, c) => {
      if (!list.length) return [];
      const at = [0, 1].map((axis) => median(list.map((i) => this.at[2 * i + axis])));
      return [{ text: names[c], x: at[0], y: at[1], half: context.measureText(names[c]).width / 2 + 3 }];
    });
    placeNames(placed, this.width, size + 2);
    for (const { text, x, y } of placed) {
      context.strokeStyle = this.colours.page;
      context.lineWidth = 4;
      context.strokeText(text, x, y);
      context.fillStyle = this.colours.ink;
      context.fillText(text, x, y);
    }
  }

  drawOver() {
    const context = sharpContext(this.over, this.width, this.height);
    if (this.current !== undefined) {
      const [x, y] = [this.at[2 * this.current], this.at[2 * this.current + 1]];
      ring(context, x, y, 8, this.colours.page, 5);
      ring(context, x, y, 8, this.colours.ink, 2);
    }
    if (!this.drag) return;
    const [left, top, width, height] = this.box();
    context.strokeStyle = this.colours.ink;
    context.globalAlpha = 0.08;
    context.fillStyle = this.colours.ink;
    context.fillRect(left, top, width, height);
    context.globalAlpha = 1;
    context.strokeRect(left, top, width, height);
  }

  box() {
    const { from, to } = this.drag;
    return [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.abs(from.x - to.x), Math.abs(from.y - to.y)];
  }

  listen() {
    const where = (event) => ({ x: event.offsetX, y: event.offsetY });
    this.over.addEventListener('pointermove', (event) => {
      if (this.drag) {
        this.drag.to = where(event);
        this.drawOver();
      } else if (event.pointerType !== 'touch') this.point(where(event), false);
    });
    this.over.addEventListener('pointerdown', (event) => {
      if (event.pointerType === 'touch' || event.button !== 0) return;
      this.over.setPointerCapture(event.pointerId);
      this.drag = { from: where(event), to: where(event) };
    });
    this.over.addEventListener('pointerup', (event) => this.release(where(event)));
    this.over.addEventListener('pointercancel', () => (this.drag = null));
    this.over.addEventListener('click', (event) => event.pointerType === 'touch' && this.point(where(event), true));
    this.over.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Shows the image nearest to a place; `hold` keeps it in the inspector. */
  point({ x, y }, hold) {
    const i = this.finder.nearest(x, y, this.isShown);
    if (i === undefined || (this.inspector.kept && !hold)) return;
    this.inspector.show(i);
    if (hold) this.inspector.hold();
  }

  release(to) {
    if (!this.drag) return;
    this.drag.to = to;
    const [left, top, width, height] = this.box();
    this.drag = null;
    this.drawOver();
    if (width < 4 && height < 4) this.point(to, true);
    else this.list((i) => this.inside(i, left, top, width, height), 'Images of the chosen area');
  }

  inside(i, left, top, width, height) {
    const [x, y] = [this.at[2 * i], this.at[2 * i + 1]];
    return x >= left && x <= left + width && y >= top && y <= top + height;
  }

  /** Lists the shown images that pass `test`, mistakes first. */
  list(test, title) {
    const { images } = this.report;
    const found = images.where((i) => this.isShown(i) && test(i));
    const wrong = found.filter((i) => !images.isRight(i));
    const told = `${title}: ${imagesWords(found.length)}, ${count(wrong.length)} of them mistakes`;
    showGallery(this.report, this.place, told, [...wrong, ...found.filter((i) => images.isRight(i))]);
  }

  onKey(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) {
      event.preventDefault();
      this.step(step);
    } else if (event.key === 'Enter' && this.current !== undefined) {
      const [x, y] = [this.at[2 * this.current], this.at[2 * this.current + 1]];
      this.list((i) => Math.hypot(this.at[2 * i] - x, this.at[2 * i + 1] - y) < 24, 'Images around the one shown');
      this.inspector.hold();
    } else if (event.key === 'Escape') showGallery(this.report, this.place, '', []);
  }

  /** To the nearest image at least a few pixels away in a direction. */
  step([dx, dy]) {
    const from = this.current ?? 0;
    const [x, y] = [this.at[2 * from], this.at[2 * from + 1]];
    let best = null;
    for (let i = 0; i < this.report.images.n; i++) {
      if (!this.isShown(i)) continue;
      const [ax, ay] = [this.at[2 * i] - x, this.at[2 * i + 1] - y];
      const along = ax * dx + ay * dy;
      const cost = along + 2 * Math.abs(ax * dy - ay * dx);
      if (along > 4 && (!best || cost < best.cost)) best = { i, cost };
    }
    if (!best) return;
    this.inspector.release();
    this.inspector.show(best.i);
    this.said.textContent = this.inspector.canvas.getAttribute('aria-label');
  }
}

/** The points as rows: for saving. */
function rows(report) {
  const { images, xy, names } = report;
  return Array.from({ length: images.n }, (_, i) => ({
    index: images.index(i),
    x: xy[2 * i],
    y: -xy[2 * i + 1], // a chart's axis points up, the map's down
    true: images.truth(i),
    predicted: images.predicted(i),
    class: names[images.truth(i)],
  }));
}

const extent = (points, axis) => {
  const values = points.map((point) => point[axis]).sort((a, b) => a - b);
  return values.at(-1) - values[0] || 1;
};

export function mountEmbedding(report, inspector, figure) {
  const view = new EmbeddingView(report, inspector, figure);
  const svg = () => {
    const spec = JSON.parse(JSON.stringify(report.charts.embedding));
    spec.datasets.points = rows(report);
    spec.height = Math.round((spec.width * extent(spec.datasets.points, 'y')) / extent(spec.datasets.points, 'x'));
    spec.layer[0].encoding.color.scale = {
      domain: report.names,
      range: report.names.map((_, c) => classColour(Object.fromEntries(Array.from({ length: 10 }, (_, k) => [`class-${k}`, `var(--class-${k})`])), c)),
    };
    return chartSvg(spec);
  };
  addSave(figure, 'embedding', svg, () => rows(report));
  return view;
}
