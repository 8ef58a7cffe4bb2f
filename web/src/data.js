/** The page's data: one JSON text, and arrays and sprites in base64. */

function bytes(name) {
  const element = document.getElementById(`payload-${name}`);
  if (!element) return null;
  const text = atob(element.textContent);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  element.remove();
  return out;
}

async function sprite(name, place) {
  const png = place && bytes(name);
  return png ? { ...place, bitmap: await createImageBitmap(new Blob([png], { type: 'image/png' })) } : null;
}

/** Records of 16-bit numbers, one per image; src/report/payload.c writes them. */
class Images {
  constructor(buffer, n, nClasses, distanceScale) {
    this.n = n;
    this.k = Math.min(10, nClasses);
    this.values = new Uint16Array(buffer);
    this.width = this.values.length / n;
    this.distanceScale = distanceScale / 65535;
    this.positions = new Map();
    for (let i = 0; i < n; i++) this.positions.set(this.index(i), i);
  }
  at(position, field) {
    return this.values[position * this.width + field];
  }
  /** Of the image in the test set. */
  index(position) {
    return this.at(position, 0) + 65536 * this.at(position, 1);
  }
  truth(position) {
    return this.at(position, 2);
  }
  predicted(position) {
    return this.at(position, 3);
  }
  isRight(position) {
    return this.truth(position) === this.predicted(position);
  }
  pTruth(position) {
    return this.at(position, 4) / 65535;
  }
  /** The most probable classes: [{ class, p }]. */
  top(position) {
    return Array.from({ length: this.k }, (_, i) => ({
      class: this.at(position, 5 + i),
      p: this.at(position, 5 + this.k + i) / 65535,
    }));
  }
  /** The eight nearest, nearest first: [{ position, distance }]; none where the images are too few. */
  nearest(position) {
    const start = 5 + 2 * this.k;
    return Array.from({ length: (this.width - start) / 2 }, (_, i) => ({
      position: this.at(position, start + i),
      distance: this.at(position, start + 8 + i) * this.distanceScale,
    }));
  }
  /** Where an image of the test set stands in this list; undefined where it is not in it. */
  position(index) {
    return this.positions.get(index);
  }
  where(test) {
    const out = [];
    for (let i = 0; i < this.n; i++) if (test(i)) out.push(i);
    return out;
  }
}

export async function loadReport() {
  const data = JSON.parse(document.getElementById('data').textContent);
  const names = data.study.dataset.class_names;
  const xy = bytes('xy');
  const responses = bytes('responses');
  return {
    ...data,
    names,
    images: new Images((bytes('images') ?? new Uint8Array()).buffer, data.n, names.length, data.distance_scale ?? 0),
    xy: xy && new Float32Array(xy.buffer),
    responseValues: responses && new Int8Array(responses.buffer),
    sprite: await sprite('sprite', data.sprite),
    sheet: await sprite('sheet', data.sheet),
  };
}
