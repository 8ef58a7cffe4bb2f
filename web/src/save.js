import { h } from './dom.js';

function download(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/* A text that a spreadsheet would take for a formula gets an apostrophe before it. */
const quote = (value) => {
  const plain = value === null || value === undefined ? '' : String(value);
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Rows (objects) as CSV; columns are all keys in order of appearance. */
export function csv(rows) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => columns.map((column) => quote(row[column])).join(','));
  return `${columns.join(',')}\n${lines.join('\n')}\n`;
}

/** An SVG text as PNG, twice its size. */
export async function rasterise(svg) {
  const image = new Image();
  const loaded = new Promise((resolve, reject) => {
    image.onload = resolve;
    image.onerror = () => reject(new Error('the figure could not be drawn'));
  });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await loaded;
  const canvas = h('canvas', { width: image.width * 2, height: image.height * 2 });
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}

/**
 * Adds "Save as SVG, PNG, CSV" under a figure.
 * `toSvg()` gives the figure as SVG text (or a promise of it), `toRows()` its data as objects.
 */
export function addSave(figure, name, toSvg, toRows) {
  const file = (kind) => `fovea-${name}.${kind}`;
  const button = (kind, save) =>
    h('button.word', { type: 'button', 'data-save': kind, 'aria-label': `Save ${name} as ${kind.toUpperCase()}`, onclick: save }, kind.toUpperCase());
  figure.append(
    h(
      '.save',
      {},
      h('span', {}, 'Save'),
      button('svg', async () => download(new Blob([await toSvg()], { type: 'image/svg+xml' }), file('svg'))),
      button('png', async () => download(await rasterise(await toSvg()), file('png'))),
      button('csv', () => download(new Blob([csv(toRows())], { type: 'text/csv' }), file('csv'))),
    ),
  );
}
