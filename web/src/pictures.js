import { h, percent } from './dom.js';

/** Small images as canvases of their own size, enlarged by the style sheet without smoothing. */
export function tile(sprite, i, side) {
  const canvas = h('canvas.tile', { width: sprite.width, height: sprite.height, '--side': side });
  drawTile(canvas, sprite, i);
  return canvas;
}

export function drawTile(canvas, sprite, i) {
  const x = (i % sprite.columns) * sprite.width;
  const y = Math.floor(i / sprite.columns) * sprite.height;
  const context = canvas.getContext('2d');
  context.imageSmoothingEnabled = false;
  context.drawImage(sprite.bitmap, x, y, sprite.width, sprite.height, 0, 0, canvas.width, canvas.height);
}

/** What is known of a test image, in words. */
export function describe(report, position) {
  const { images, names } = report;
  const truth = names[images.truth(position)];
  const verdict = images.isRight(position)
    ? `recognised with ${percent(images.top(position)[0].p)}`
    : `taken for ${names[images.predicted(position)]} with ${percent(images.top(position)[0].p)}`;
  return `Test image ${images.index(position)}: ${truth}, ${verdict}`;
}

/** A test image as a button that the inspector listens to. */
export function picture(report, position, side) {
  return h(
    'button.picture',
    { type: 'button', 'data-position': position, 'aria-label': describe(report, position) },
    tile(report.sprite, position, side),
  );
}

/** An array of values in [-scale, scale] as a diverging picture; `colour(t)` gives [r, g, b]. */
export function field(values, width, height, scale, colour) {
  const canvas = h('canvas.tile', { width, height });
  const context = canvas.getContext('2d');
  const pixels = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) pixels.data.set([...colour(values[i] / scale), 255], 4 * i);
  context.putImageData(pixels, 0, 0);
  return canvas;
}
