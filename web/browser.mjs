/** Chromium for the tests and for screenshots: offline, headless. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Path of a Chromium on this machine; null where there is none. */
export const findChromium = () => places.find((path) => path && existsSync(path)) ?? null;

export function launch() {
  const args = ['--disable-background-networking', '--disable-component-update', '--no-first-run', '--force-color-profile=srgb'];
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  return chromium.launch({ executablePath: findChromium(), headless: true, args });
}

/** Opens a report and waits until every figure stands. */
export async function openReport(browser, path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, offline: true, ...options });
  const page = await context.newPage();
  const told = [];
  page.on('console', (message) => told.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => told.push(`error: ${error.message}`));
  page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || told.push(`request: ${request.url()}`));
  await page.goto(`file://${path}`);
  await page.waitForSelector('html[data-ready]', { timeout: 60000 });
  return { page, told, context };
}

/** Faults that axe-core finds of the two worst kinds, in words. */
export async function findFaults(page) {
  const require = createRequire(import.meta.url);
  await page.evaluate(readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => window.axe.run(document));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}
