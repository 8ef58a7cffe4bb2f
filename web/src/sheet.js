import { h } from './dom.js';
import { tile } from './pictures.js';
import { addSave } from './save.js';
import { snapshot } from './snapshot.js';

/** The same images under every scheme: a row per scheme. */
export function mountSheet(report, figure) {
  const { sheet, sheet_schemes: schemes } = report;
  const stage = figure.querySelector('.stage');
  const perRow = sheet.n / schemes.length;
  const grid = h('.sheet');
  schemes.forEach((scheme, row) => {
    const pictures = Array.from({ length: perRow }, (_, i) => {
      const at = row * perRow + i;
      return h('button.picture', { type: 'button', 'data-tile': at, 'aria-label': `Example ${i + 1}, ${scheme}` }, tile(sheet, at));
    });
    grid.append(h('h3', {}, scheme), h('.row', { '--n': perRow }, ...pictures));
  });
  stage.append(grid);
  addSave(figure, 'augmented-images', () => snapshot(grid), () =>
    schemes.flatMap((scheme) => Array.from({ length: perRow }, (_, i) => ({ scheme, example: i + 1 }))),
  );
}
