import { paperColours } from './colours.js';

const margin = 16;

/**
 * A figure made of HTML as SVG: its canvases become images, its text stays text, frames and bars become rectangles.
 * On white, whatever the screen's colours are.
 */
export function snapshot(stage) {
  const frame = stage.getBoundingClientRect();
  const colours = paperColours();
  const parts = [];
  const place = (box) => [box.left - frame.left, box.top - frame.top, box.width, box.height].map((x) => x.toFixed(1));
  const rectangle = (box, style) => {
    const [x, y, width, height] = place(box);
    parts.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" ${style}/>`);
  };
  for (const canvas of stage.querySelectorAll('canvas')) {
    const box = canvas.getBoundingClientRect();
    const [x, y, width, height] = place(box);
    parts.push(
      `<image x="${x}" y="${y}" width="${width}" height="${height}" preserveAspectRatio="none" ` +
        `style="image-rendering:pixelated" href="${canvas.toDataURL()}"/>`,
    );
    if (canvas.closest('.other'))
      rectangle(box, `fill="none" stroke="${colours.error}" stroke-width="2" stroke-dasharray="4 3"`);
  }
  for (const bar of stage.querySelectorAll('.bar')) {
    const box = bar.getBoundingClientRect();
    const share = parseFloat(bar.style.getPropertyValue('--share')) / 100;
    rectangle(box, `fill="${colours.faint}"`);
    const { left, top, width, height } = box;
    const colour = bar.classList.contains('wrong') ? colours.error : colours.held;
    rectangle({ left, top, width: width * share, height }, `fill="${colour}"`);
  }
  parts.push(...texts(stage, frame, colours));
  const [width, height] = [frame.width, frame.height].map((side) => Math.ceil(side) + 2 * margin);
  const font = getComputedStyle(document.body).fontFamily.replaceAll('"', "'");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="${-margin} ${-margin} ${width} ${height}" font-family="${font}">` +
    `<rect x="${-margin}" y="${-margin}" width="100%" height="100%" fill="#fff"/>${parts.join('')}</svg>`
  );
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/** Every line of every text node that can be seen. */
function texts(stage, frame, colours) {
  const walker = document.createTreeWalker(stage, NodeFilter.SHOW_TEXT);
  const out = [];
  const range = document.createRange();
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest('button.word, .unseen, select, label')) continue;
    range.selectNodeContents(node);
    const box = range.getClientRects()[0];
    if (!box) continue;
    const size = parseFloat(getComputedStyle(parent).fontSize);
    const colour = parent.closest('.other + p') ? colours.error : colours.ink;
    out.push(
      `<text x="${(box.left - frame.left).toFixed(1)}" y="${(box.bottom - frame.top - size * 0.28).toFixed(1)}" ` +
        `font-size="${size}" fill="${colour}">${escape(node.textContent.trim())}</text>`,
    );
  }
  return out;
}
