/* The report in Chromium: node report.test.mjs PATH-OF-make_report. Exits 77 where there is no Chromium. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findChromium, findFaults, launch, openReport } from '../../web/browser.mjs';
import { placeNames, pointRadius } from '../../web/src/map.js';

if (!findChromium()) {
  console.log('SKIP: no Chromium on this machine (CHROMIUM names one elsewhere)');
  process.exit(77);
}

const makeReport = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'fovea-report-'));
const path = (kind) => join(folder, `${kind}.html`);
const studySections = ['augmentation', 'architecture', 'scaling', 'mistakes', 'kernels', 'confusion', 'embedding', 'neighbours'];
const runSections = ['history', ...studySections.slice(3)];
let browser;

before(async () => {
  for (const kind of ['study', 'one', 'run', 'many', 'bare', 'hostile']) execFileSync(makeReport, [kind, path(kind)], { stdio: 'inherit' });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

/** Opens one kind of report, gives the page to `body`, and asks that nothing was written to the console or requested. */
async function visit(kind, options, body) {
  const { page, told, context } = await openReport(browser, path(kind), options);
  await body(page);
  assert.deepEqual(told, []);
  await context.close();
}

/** How many different colours a canvas shows, and a number that changes with its pixels. */
const look = (page, selector) =>
  page.$eval(selector, (canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) {
      colours.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
      sum = (sum * 31 + data[i] + data[i + 1] * 3 + data[i + 2] * 7 + data[i + 3]) % 1000000007;
    }
    return { colours: colours.size, sum };
  });

const inspected = (page) => page.textContent('#inspector h2');

for (const [kind, sections] of Object.entries({ study: studySections, one: studySections, run: runSections, many: studySections }))
  test(`${kind}: every section, chart and picture is there and not empty; nothing on the console`, async () => {
    assert.ok(statSync(path(kind)).size < 10e6, `${statSync(path(kind)).size} bytes`);
    await visit(kind, {}, async (page) => {
      assert.deepEqual(await page.$$eval('.question', (all) => all.map(({ id }) => id)), sections);
      assert.equal(await page.locator('.glance tbody tr').count(), sections.length);
      for (const text of await page.$$eval('.question > .answer, .glance .answer', (all) => all.map((p) => p.textContent)))
        assert.match(text, /^[^{}]{20,}\.$/, text);
      for (const marks of await page.$$eval('[data-chart] .plot', (all) => all.map((plot) => plot.querySelectorAll('svg path, svg text').length)))
        assert.ok(marks > 10, `a chart with ${marks} marks`);
      for (const parts of await page.$$eval('.stage', (all) => all.map((stage) => stage.querySelectorAll('canvas').length)))
        assert.ok(parts > 0, 'a figure without pictures');
      for (const rows of await page.$$eval('.question', (all) => all.map((one) => one.querySelectorAll('details tbody tr').length)))
        assert.ok(rows > 0, 'a fold without a table');
      assert.equal(await page.locator('.question details').count(), 2 * sections.length);
      assert.equal(await page.locator('[data-thumb]:has(svg, canvas)').count(), sections.length);
      assert.ok((await look(page, '.map canvas')).colours > 10);
      assert.ok((await look(page, '.mistakes canvas')).colours > 10);
      assert.equal(await page.evaluate(() => /NaN|undefined|Infinity|null/.test(document.querySelector('main').innerText)), false);
    });
  });

test('a run without validation, mistakes or map is a page all the same', () =>
  visit('bare', {}, async (page) => {
    assert.deepEqual(await page.$$eval('.question', (all) => all.map(({ id }) => id)), ['history', 'mistakes', 'kernels', 'confusion']);
    assert.match(await page.textContent('#mistakes .answer'), /made no mistake on 3,000 test images/);
    assert.match(await page.textContent('#history .answer'), /no images were held out/);
    assert.equal(await page.locator('.mistake').count(), 0);
    assert.match(await inspected(page), /Test image/);
    assert.equal(await page.evaluate(() => /NaN|undefined|Infinity|null/.test(document.querySelector('main').innerText)), false);
  }));

test('the inspector shows what is pointed at, keeps what is clicked and lets go on Escape', () =>
  visit('study', {}, async (page) => {
    const pictures = page.locator('.mistakes .picture');
    const index = async (i) => (await pictures.nth(i).getAttribute('aria-label')).match(/\d+/)[0];
    const shown = async () => (await inspected(page)).replace(/\D/g, '');
    await pictures.nth(3).hover();
    assert.equal(await shown(), await index(3));
    assert.equal(await page.locator('#inspector .bars .bar').count(), 10);
    assert.equal(await page.locator('#inspector .near .picture').count(), 5);
    assert.ok((await look(page, '#inspector .large canvas')).colours > 5);
    const before = await look(page, '#inspector .place canvas');
    await pictures.nth(4).click();
    await pictures.nth(0).hover();
    assert.equal(await shown(), await index(4), 'a click keeps');
    assert.notEqual((await look(page, '#inspector .place canvas')).sum, before.sum);
    await page.keyboard.press('Escape');
    await pictures.nth(1).hover();
    assert.equal(await shown(), await index(1));
    await pictures.nth(5).focus();
    await page.keyboard.press('Tab');
    assert.equal(await shown(), await index(6), 'the keyboard points too');
    await page.locator('.neighbours .eight .picture').first().hover();
    assert.match(await page.textContent('#inspector .verdict'), /true .* predicted /);
    await page.locator('.sheet .picture').nth(12).hover();
    assert.equal(await inspected(page), 'Augmented example');
  }));

test('mistakes are filtered by true and predicted class', () =>
  visit('study', {}, async (page) => {
    const all = Number((await page.textContent('.controls .count')).match(/\d+/)[0]);
    await page.locator('[data-figure="mistakes"] .more').click();
    assert.equal(await page.locator('.mistake').count(), all);
    const select = page.locator('[data-figure="mistakes"] select').first();
    const value = await select.locator('option').nth(1).getAttribute('value');
    await select.selectOption(value);
    const titles = await page.$$eval('.mistake > p', (list) => list.map((p) => p.textContent));
    assert.ok(titles.length > 0 && titles.length < all);
    for (const title of titles) assert.ok(title.startsWith(`${value} \u2192`), title);
  }));

test('a cell of the confusion matrix lists its images, by mouse and by keyboard', () =>
  visit('study', {}, async (page) => {
    const cells = page.locator('[data-chart="confusion"] [role="button"]');
    assert.equal(await page.locator('[data-chart="confusion"] [tabindex="0"]').count(), 1);
    await page.locator('[aria-label^="true 3, predicted 3:"]').click();
    assert.match(await page.textContent('[data-figure="cell"] h3'), /True 3, predicted 3: (1,)?\d{3} images/);
    assert.equal(await page.locator('[data-figure="cell"] .picture').count(), 60);
    await page.locator('[data-figure="cell"] .more').click();
    assert.equal(await page.locator('[data-figure="cell"] .picture').count(), 120);
    await page.locator('[data-chart="confusion"] [tabindex="0"]').focus();
    const label = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
    const first = await label();
    await page.keyboard.press('Enter');
    const [truth, predicted, n] = first.match(/\d+/g);
    assert.match(await page.textContent('[data-figure="cell"] h3'), new RegExp(`True ${truth}, predicted ${predicted}: ${n} image`));
    assert.equal(await page.locator('[data-figure="cell"] .picture').count(), Number(n));
    await page.keyboard.press('ArrowDown');
    if ((await label()) === first) await page.keyboard.press('ArrowUp');
    assert.notEqual(await label(), first);
    assert.doesNotMatch(await page.textContent('[data-chart="confusion"] svg'), /100/);
    await page.getByLabel('Percent of each row').check();
    await page.waitForFunction(() => /99/.test(document.querySelector('[data-chart="confusion"] svg').textContent));
    assert.ok((await cells.count()) > 10, 'cells stay buttons');
    await page.locator('.pair button.word').nth(1).click();
    assert.match(await page.textContent('[data-figure="cell"] h3'), /True/);
  }));

test('the embedding: hover shows, a drag lists, the legend switches, the arrow keys walk', () =>
  visit('study', {}, async (page) => {
    const map = page.locator('.map .over');
    await map.scrollIntoViewIfNeeded();
    const full = await look(page, '.map canvas');
    await page.locator('.legend button').first().click();
    assert.equal(await page.locator('.legend button').first().getAttribute('aria-pressed'), 'false');
    const less = await look(page, '.map canvas');
    assert.notEqual(less.sum, full.sum);
    await page.locator('.legend button').first().click();
    assert.equal((await look(page, '.map canvas')).sum, full.sum);
    const box = await map.boundingBox();
    const before = await inspected(page);
    for (let i = 1; i < 40 && (await inspected(page)) === before; i++)
      await page.mouse.move(box.x + (box.width * i) / 40, box.y + (box.height * i) / 40);
    assert.notEqual(await inspected(page), before, 'hover shows');
    await page.mouse.move(box.x + 1, box.y + 1);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + box.height - 2, { steps: 4 });
    await page.mouse.up();
    assert.match(await page.textContent('[data-figure="embedding"] h3'), /10,000 images/);
    assert.equal(await page.locator('[data-figure="embedding"] .grid .picture').count(), 60);
    await map.focus();
    const start = await inspected(page);
    for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowRight']) await page.keyboard.press(key);
    assert.notEqual(await inspected(page), start, 'arrows walk');
    await page.keyboard.press('Enter');
    assert.match(await page.textContent('[data-figure="embedding"] h3'), /around the one shown/);
  }));

/** What a button saves. Chromium drops an eleventh download within a second. */
async function saved(page, button) {
  const waiting = page.waitForEvent('download');
  await button.click();
  const bytes = readFileSync(await (await waiting).path());
  await page.waitForTimeout(110);
  return bytes;
}

test('every figure saves as SVG, PNG and CSV', () =>
  visit('study', { acceptDownloads: true }, async (page) => {
    const bars = page.locator('.save');
    assert.equal(await bars.count(), await page.locator('figure[data-chart], figure[data-figure]').count());
    for (const kind of ['svg', 'png', 'csv'])
      for (const button of await page.locator(`[data-save="${kind}"]`).all()) {
        const bytes = await saved(page, button);
        if (kind === 'svg') assert.match(bytes.toString(), /^<svg[^]*<(path|image|rect|text)[^]*<\/svg>$/);
        if (kind === 'svg') assert.doesNotMatch(bytes.toString(), /var\(--/);
        if (kind === 'png') assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
        if (kind === 'csv') assert.ok(bytes.toString().trim().split('\n').length > 3);
        assert.ok(bytes.length > 60);
      }
  }));

test('names of classes that are HTML, formulas or broken out of quotes stay text, wherever they are shown or saved', () =>
  visit('hostile', { acceptDownloads: true }, async (page) => {
    assert.match(await page.textContent('#confusion'), /<img src=x onerror="document.hit=1">/);
    for (const selector of ['.mistakes .picture', '.neighbours .eight .picture']) await page.locator(selector).first().hover();
    assert.match(await page.textContent('#inspector .verdict'), /true .* predicted /);
    for (const chart of await page.locator('[data-chart] .plot svg').all()) {
      await chart.scrollIntoViewIfNeeded();
      const { x, y, width, height } = await chart.boundingBox();
      for (const at of [0.3, 0.5, 0.7]) await page.mouse.move(x + width * at, y + height * at); // tooltips
    }
    await page.locator('[data-chart="confusion"] [role="button"]').nth(1).click();
    await page.locator('.legend button').first().click();
    for (const kind of ['svg', 'csv'])
      for (const button of await page.locator(`[data-save="${kind}"]`).all()) {
        const text = (await saved(page, button)).toString();
        if (kind === 'csv') assert.doesNotMatch(text, /(^|,)"?[=@+]/m);
        else
          assert.deepEqual(
            await page.evaluate((svg) => {
              const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml');
              return [...parsed.querySelectorAll('parsererror, script, img')].map(({ outerHTML }) => outerHTML);
            }, text),
            [],
          );
      }
    assert.equal(await page.evaluate(() => document.hit), undefined);
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  }));

for (const colorScheme of ['light', 'dark'])
  for (const kind of ['study', 'many'])
    test(`axe-core finds no serious fault: ${kind}, ${colorScheme}`, () =>
      visit(kind, { colorScheme }, async (page) => {
        await page.evaluate(() => document.querySelectorAll('details').forEach((fold) => (fold.open = true)));
        assert.deepEqual(await findFaults(page), []);
      }));

for (const kind of ['study', 'many'])
  test(`a phone gets one column: ${kind}`, () =>
    visit(kind, { viewport: { width: 390, height: 844 }, hasTouch: true }, async (page) => {
      const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.equal(view, 390);
      assert.ok(wide <= 390, `the page is ${wide} pixels wide`);
      assert.equal(await page.isVisible('#inspector'), false);
      await page.locator('.mistakes .picture').first().tap();
      assert.equal(await page.isVisible('#inspector'), true);
      await page.locator('#inspector .close').tap();
      assert.equal(await page.isVisible('#inspector'), false);
      assert.deepEqual(await findFaults(page), []);
    }));

/** Texts that lie closer together than `gap` pixels, of those that share a line. */
const crowded = (page, selector, gap) =>
  page.$$eval(
    selector,
    (all, gap) => {
      const boxes = all.map((text) => ({ text: text.textContent, ...text.getBoundingClientRect().toJSON() })).filter(({ width }) => width);
      if (boxes.length < 2) return ['nothing to compare'];
      return boxes.flatMap((a) => boxes.filter((b) => b.left > a.left && b.top === a.top && b.left < a.right + gap).map((b) => [a.text, b.text]));
    },
    gap,
  );

test('names on the map stay inside and off each other; few points are seen, many are apart', () => {
  const names = [[5, 100], [60, 103], [62, 104], [195, 40], [62, 104]].map(([x, y]) => ({ x, y, half: 30 }));
  placeNames(names, 200, 16);
  for (const { x, half } of names) assert.ok(x - half >= 0 && x + half <= 200);
  for (const a of names) for (const b of names) assert.ok(a === b || Math.abs(a.x - b.x) >= 60 || Math.abs(a.y - b.y) >= 16);
  assert.equal(pointRadius(280, 150, 18, 0.8, 2.2), 2.2);
  assert.equal(pointRadius(280, 150, 10000, 0.8, 2.2), 0.8);
});

for (const width of [390, 768, 800, 1440])
  test(`labels are whole and apart, and heads stand over their columns: ${width} pixels`, () =>
    visit('study', { viewport: { width, height: 900 } }, async (page) => {
      const values = await page.$$eval('.figures .value', (all) => {
        all.forEach((value, i) => (value.textContent = i === 2 ? '9 s' : '25 min 21 s'));
        return all.map((value) => value.getBoundingClientRect().top);
      });
      assert.equal(new Set(values).size, width > 768 ? 1 : 3);
      assert.deepEqual(await crowded(page, '[data-chart="augmentation"] .role-axis-label text', 3), []);
      const heads = await page.$$eval('.kernel.sources', (all) => all.map((head) => head.getBoundingClientRect()).filter(({ height }) => height));
      const rows = await page.$$eval('.kernel:not(.sources)', (all) => all.map((row) => row.getBoundingClientRect().left));
      assert.deepEqual(heads.map(({ left }) => left), [...new Set(rows)]);
      assert.equal(new Set(heads.map(({ top }) => top)).size, 1);
      await page.click('.mistakes .picture');
      const near = await page.$$eval('#inspector .near figcaption', (all) => all.map((one) => [one.innerText, one.scrollWidth <= one.clientWidth]));
      for (const [text, whole] of near) assert.ok(whole && /^.+\n[\d.]+$/.test(text), text);
      assert.equal(near.length, 5);
    }));

test('the table of all trainings of three seeds is seen whole, a longer one tells that it goes on', () =>
  visit('study', {}, async (page) => {
    await page.evaluate(() => document.querySelectorAll('details').forEach((fold) => (fold.open = true)));
    const [rows, hidden] = await page.$eval('#scaling .fold .scroll', (all) => [all.querySelectorAll('tbody tr').length, all.scrollHeight - all.clientHeight]);
    assert.equal(rows, 15);
    assert.equal(hidden, 0);
    const edge = () => page.$eval('#mistakes .fold .scroll', (all) => [all.scrollHeight > all.clientHeight, getComputedStyle(all).backgroundAttachment]);
    assert.deepEqual(await edge(), [true, 'local, local, scroll, scroll']);
  }));

test('in print the folds are open and the inspector is gone', () =>
  visit('study', { colorScheme: 'dark' }, async (page) => {
    assert.equal(await page.locator('details[open]').count(), 0);
    await page.emulateMedia({ media: 'print' });
    await page.waitForFunction(() => !document.querySelector('details:not([open])'));
    assert.equal(await page.isVisible('#inspector'), false);
    assert.equal(await page.isVisible('.save'), false);
    const background = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(background, 'rgb(253, 253, 252)');
    await page.emulateMedia({ media: 'screen' });
    await page.waitForFunction(() => !document.querySelector('details[open]'));
  }));

test('without scripts the sentences and tables are there', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`file://${path('study')}`);
  assert.match(await page.textContent('h1'), /A network of 14,210 weights reads MNIST at/);
  assert.equal(await page.locator('.question .answer').count(), 8);
  assert.ok(await page.isVisible('noscript p'));
  await context.close();
});
