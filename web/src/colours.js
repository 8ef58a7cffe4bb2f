/** Colours live in the style sheet; drawings ask for them by name. */

const names = [
  'page', 'ink', 'muted', 'faint', 'cell', 'diagonal', 'link', 'train', 'held', 'error', 'on-error',
  ...Array.from({ length: 10 }, (_, i) => `class-${i}`),
];

let paper;

function read(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The colours of the screen as it is now. */
export const screenColours = () => read(document.documentElement);

/** The light colours, for print and saved figures. */
export function paperColours() {
  if (!paper) {
    const probe = document.createElement('div');
    probe.className = 'paper';
    probe.hidden = true;
    document.body.append(probe);
    paper = read(probe);
    probe.remove();
  }
  return paper;
}

/** Replaces `var(--name)` by its value in every string of a specification. */
export function resolveColours(value, colours) {
  if (typeof value === 'string') return value.replace(/var\(--([\w-]+)\)/g, (whole, name) => colours[name] ?? whole);
  if (Array.isArray(value)) return value.map((item) => resolveColours(item, colours));
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolveColours(item, colours)]));
  return value;
}

const stops = [
  [33, 102, 172],
  [146, 197, 222],
  [250, 250, 250],
  [244, 165, 130],
  [178, 24, 43],
];

/** Blue below zero, white at zero, red above; t in [-1, 1]. */
export function diverging(t) {
  const at = (Math.max(-1, Math.min(1, t)) + 1) * 2;
  const i = Math.min(3, Math.floor(at));
  return stops[i].map((low, k) => Math.round(low + (stops[i + 1][k] - low) * (at - i)));
}

const dark = matchMedia('(prefers-color-scheme: dark)');
const printing = matchMedia('print');
const listeners = [];

/** Calls `draw(colours)` now and whenever the colours change: dark or light, screen or paper. */
export function onColours(draw) {
  listeners.push(draw);
  draw(screenColours());
}

const announce = (colours) => listeners.forEach((draw) => draw(colours));
dark.addEventListener('change', () => announce(screenColours()));
printing.addEventListener('change', (event) => announce(event.matches ? paperColours() : screenColours()));
addEventListener('beforeprint', () => announce(paperColours()));
addEventListener('afterprint', () => announce(screenColours()));
