/** The embedding as a drawing: shared by its section and by the inspector's small map. */

export const classColour = (colours, c) => colours[`class-${c % 10}`];

/** Places every image inside width x height, one scale for both axes. */
export function project(xy, width, height, margin) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    left = Math.min(left, xy[i]);
    right = Math.max(right, xy[i]);
    top = Math.min(top, xy[i + 1]);
    bottom = Math.max(bottom, xy[i + 1]);
  }
  const scale = Math.min((width - 2 * margin) / (right - left || 1), (height - 2 * margin) / (bottom - top || 1));
  const out = new Float32Array(xy.length);
  for (let i = 0; i < xy.length; i += 2) {
    out[i] = width / 2 + (xy[i] - (left + right) / 2) * scale;
    out[i + 1] = height / 2 + (xy[i + 1] - (top + bottom) / 2) * scale;
  }
  return out;
}

/** Of a point among n in width x height: seen where they are few, apart where they are many. */
export const pointRadius = (width, height, n, least, most) => Math.max(least, Math.min(most, Math.sqrt((width * height) / n) * 0.27));

/** Moves names [{x, y, half}], centred at x, y and 2 * half wide, inside the width and below those that they cover. */
export function placeNames(names, width, lineHeight) {
  names.forEach((name, i) => {
    name.x = Math.max(name.half, Math.min(width - name.half, name.x));
    const covered = (other) => Math.abs(name.x - other.x) < name.half + other.half && Math.abs(name.y - other.y) < lineHeight;
    for (let other; (other = names.slice(0, i).find(covered)); ) name.y = other.y + lineHeight;
  });
}

/** A canvas sized for the screen's pixels; drawing is in CSS pixels. */
export function sharpContext(canvas, width, height) {
  const ratio = Math.min(devicePixelRatio || 1, 3);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** Points of the images for which `isShown`, class by class. */
export function drawPoints(context, images, at, colours, radius, isShown = () => true) {
  const paths = new Map();
  for (let i = 0; i < images.n; i++) {
    if (!isShown(i)) continue;
    const c = images.truth(i);
    if (!paths.has(c)) paths.set(c, new Path2D());
    const path = paths.get(c);
    path.moveTo(at[2 * i] + radius, at[2 * i + 1]);
    path.arc(at[2 * i], at[2 * i + 1], radius, 0, 7);
  }
  context.globalAlpha = 0.8;
  for (const [c, path] of paths) {
    context.fillStyle = classColour(colours, c);
    context.fill(path);
  }
  context.globalAlpha = 1;
}

export function ring(context, x, y, radius, colour, width = 1) {
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
