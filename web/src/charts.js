import vegaEmbed from 'vega-embed';
import * as vega from 'vega';
import { compile } from 'vega-lite';
import { resolveColours, paperColours } from './colours.js';
import { addSave } from './save.js';

/** What all charts share. Colours are the style sheet's own variables, so that dark, light and print follow by themselves. */
function config() {
  const font = getComputedStyle(document.body).fontFamily;
  return {
    font,
    background: null,
    padding: 0,
    view: { stroke: null },
    axis: {
      labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400,
      labelColor: 'var(--muted)', titleColor: 'var(--muted)', domainColor: 'var(--faint)', tickColor: 'var(--faint)',
      gridColor: 'var(--faint)', gridOpacity: 0.7, domain: false, ticks: false, labelPadding: 8, titlePadding: 10,
    },
    text: { font },
    header: { labelFont: font, titleFont: font },
    legend: { labelFont: font, titleFont: font, labelColor: 'var(--ink)', titleColor: 'var(--muted)' },
  };
}

const clone = (spec) => JSON.parse(JSON.stringify(spec));

/** Small multiples: as many columns as have room, all of one width. */
function fitPanels(spec, width) {
  const { rows } = spec.datasets;
  spec.spec.layer = spec.spec.layer.filter(({ name }) => !name || rows.some((row) => row.label_side === name));
  const n = new Set(rows.map((row) => row.name)).size;
  const axis = 56;
  const gap = spec.spacing.column;
  let columns = Math.min(n, 4);
  const panel = () => Math.floor((width - axis - gap * (columns - 1)) / columns);
  while (columns > 1 && panel() < 120) columns = columns > 2 ? 2 : 1;
  spec.columns = columns;
  spec.spec.width = Math.min(panel(), 420);
  return spec;
}

/** Layers without data (a single seed, no forecast) are left out. */
function withoutEmptyLayers(spec) {
  const layer = spec.layer?.filter(({ data }) => !data || spec.datasets[data.name].length > 0);
  return layer ? { ...spec, layer } : spec;
}

/** The specification at a given width. */
function fit(spec, width) {
  if (spec.facet) return fitPanels(clone(spec), width);
  const out = { ...withoutEmptyLayers(clone(spec)), autosize: { type: 'fit-x', contains: 'padding' }, width };
  if (spec.height > width) out.height = width;
  return out;
}

/** The data behind a chart, without what only its drawing needs. */
export function chartRows(spec) {
  const drawing = /^(label|label_side|text|interval|description|order|error_count|error_share)$/;
  const sets = Object.entries(spec.datasets).filter(([name, rows]) => rows.length && !name.startsWith('labels'));
  return sets.flatMap(([name, rows]) =>
    rows.map((row) => ({
      ...(sets.length > 1 ? { series: name } : {}),
      ...Object.fromEntries(Object.entries(row).filter(([key]) => !drawing.test(key))),
    })),
  );
}

/** A chart as SVG text in light colours on white. */
export async function chartSvg(spec) {
  const light = resolveColours({ ...spec, padding: 16, config: { ...config(), background: '#ffffff' } }, paperColours());
  const view = new vega.View(vega.parse(compile(light).spec), { renderer: 'none' });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/**
 * Draws a chart into its figure, again whenever its width changes.
 *   fitSpec(spec, width)   the specification at that width
 *   onDrawn(view, plot)    after each drawing
 */
export async function mountChart(figure, name, spec, { fitSpec = fit, onDrawn = () => {} } = {}) {
  const plot = figure.querySelector('.plot');
  let width = 0;
  let view = null;
  const draw = async () => {
    width = plot.clientWidth;
    const old = view;
    const result = await vegaEmbed(plot, fitSpec(spec, width), {
      mode: 'vega-lite', actions: false, renderer: 'svg', config: config(), defaultStyle: false,
      tooltip: { theme: 'custom', offsetY: 14, disableDefaultStyle: true },
    });
    old?.finalize();
    view = result.view;
    onDrawn(view, plot);
  };
  await draw();
  addSave(figure, name, () => chartSvg(fitSpec(spec, 720)), () => chartRows(spec));
  let busy = Promise.resolve();
  new ResizeObserver(() => {
    if (Math.abs(plot.clientWidth - width) > 4) busy = busy.then(draw);
  }).observe(plot);
  return () => view;
}
