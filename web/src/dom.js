/** Makes an element: `h('p.note', { id: 'x', onclick }, 'text', child)`. */
export function h(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split('.');
  const element = document.createElement(tag || 'div');
  if (classes.length) element.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name.startsWith('--')) element.style.setProperty(name, value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const integer = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** 14,178 */
export const count = (n) => integer.format(n);

/** "1 image", "7 images" */
export const images = (n) => `${count(n)} image${n === 1 ? '' : 's'}`;

/** A probability as a reader wants it: 98 %, 0.4 %, < 0.1 %; a softmax is never quite zero. */
export function percent(p) {
  if (p < 0.001) return '< 0.1\u202f%';
  if (p < 1 && p > 0.9995) return '> 99.9\u202f%';
  return `${(100 * p).toFixed(p >= 0.0995 && p <= 0.9905 ? 0 : 1)}\u202f%`;
}

/** The minus sign that typesetters use. */
export const signed = (x, digits) => x.toFixed(digits).replace('-', '\u2212');

/** The largest of the values and `least`. Math.max(...values) ends where the values are more than a call takes. */
export const most = (values, least = 0) => values.reduce((a, b) => (b > a ? b : a), least);
