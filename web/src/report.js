import { loadReport } from './data.js';
import { Inspector } from './inspector.js';
import { mountChart } from './charts.js';
import { mountConfusion } from './confusion.js';
import { mountEmbedding } from './embedding.js';
import { mountKernels } from './kernels.js';
import { mountMistakes } from './mistakes.js';
import { mountNeighbours } from './neighbours.js';
import { mountSheet } from './sheet.js';
import { mountThumbs } from './glance.js';

/** Folds are open on paper, and as they were afterwards. */
function openFoldsForPrint() {
  let opened = [];
  const open = () => {
    const closed = [...document.querySelectorAll('details:not([open])')];
    closed.forEach((fold) => (fold.open = true));
    opened.push(...closed);
  };
  const restore = () => {
    opened.forEach((fold) => (fold.open = false));
    opened = [];
  };
  addEventListener('beforeprint', open);
  addEventListener('afterprint', restore);
  matchMedia('print').addEventListener('change', (event) => (event.matches ? open() : restore()));
}

/** What the inspector shows before anything is pointed at: the worst mistake, or the first image. */
function first(report) {
  const worst = report.study.mistakes?.[0];
  return (worst && report.images.position(worst.index)) ?? 0;
}

async function start() {
  openFoldsForPrint();
  const report = await loadReport();
  const figures = (name) => document.querySelector(`[data-figure="${name}"]`);
  if (figures('sheet') && report.sheet) mountSheet(report, figures('sheet'));
  if (report.sprite) {
    const inspector = new Inspector(report, document.getElementById('inspector'));
    const pictures = { mistakes: mountMistakes, kernels: mountKernels, neighbours: mountNeighbours };
    for (const [name, mount] of Object.entries(pictures)) if (figures(name)) mount(report, figures(name));
    if (figures('embedding')) mountEmbedding(report, inspector, figures('embedding'));
    inspector.show(first(report));
  } else if (report.sheet) new Inspector(report, document.getElementById('inspector'));
  mountThumbs(report);
  for (const figure of document.querySelectorAll('[data-chart]')) {
    const name = figure.dataset.chart;
    if (name === 'confusion') await mountConfusion(report, figure);
    else await mountChart(figure, name, report.charts[name]);
  }
  document.documentElement.dataset.ready = 'true';
}

start();
