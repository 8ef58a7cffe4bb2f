/* Bundles the report's script and style: node build.mjs OUT-FOLDER. The licences of all that is bundled go with it. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
const shared = { absWorkingDir: here, bundle: true, minify: true, charset: 'utf8', logLevel: 'warning' };

const { metafile } = await build({
  ...shared,
  entryPoints: ['src/report.js'],
  outfile: join(out, 'report.js'),
  format: 'iife',
  target: 'es2021',
  legalComments: 'none',
  metafile: true,
});
await build({ ...shared, entryPoints: ['style/report.css'], outfile: join(out, 'report.css') });

/** Text of a package's licence. */
function licence(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const { name, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { name, text: file ? readFileSync(join(folder, file), 'utf8').trim() : license };
}

const packages = new Set(
  Object.keys(metafile.inputs).flatMap((path) => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/) ?? []),
);
const byText = new Map();
for (const path of [...packages].sort()) {
  const folder = join(here, path);
  if (!existsSync(join(folder, 'package.json'))) continue;
  const { name, text } = licence(folder);
  byText.set(text, [...(byText.get(text) ?? []), name]);
}
const notice = [...byText].map(([text, names]) => `${names.join(', ')}:\n${text}`).join('\n\n');
const script = join(out, 'report.js');
writeFileSync(script, `${readFileSync(script, 'utf8')}/*! Bundled here:\n${notice.replaceAll('*/', '* /').replaceAll('</', '< /')}\n*/\n`);
