#!/usr/bin/env node
/* The README's picture of a report: node scripts/screenshot.mjs REPORT.html [docs/report.png] */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { findChromium, launch, openReport } from '../web/browser.mjs';

const [report, picture = 'docs/report.png'] = process.argv.slice(2);
const maxBytes = 400e3;
if (!report || !findChromium()) {
  console.error(report ? 'screenshot: there is no Chromium here' : 'usage: node scripts/screenshot.mjs REPORT.html [PNG]');
  process.exit(report ? 1 : 2);
}
const browser = await launch();
const { page } = await openReport(browser, resolve(report), { viewport: { width: 1360, height: 1330 }, colorScheme: 'light' });
await page.screenshot({ path: picture });
await browser.close();
const size = statSync(picture).size;
console.log(`${picture}: ${size} bytes`);
process.exit(size <= maxBytes ? 0 : 1);
