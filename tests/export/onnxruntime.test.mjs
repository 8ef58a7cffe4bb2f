/* node onnxruntime.test.mjs FOVEA RUN_LOGITS: exported ONNX in onnxruntime, held against the run's own logits.
 *
 * Every named model, a few texts with what is rare (rows that become images again, a residual of both, no dense layer),
 * both kinds of input, batches of several sizes. Of MNIST, where it is here, all 10,000 test images. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [fovea, runLogits] = process.argv.slice(2);
let ort;
try {
  ort = createRequire(import.meta.url)('onnxruntime-node');
} catch {
  console.log('onnxruntime-node is not installed: scripts/setup ci');
  process.exit(77);
}
const folder = mkdtempSync(join(tmpdir(), 'fovea-ort-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const python = spawnSync('/usr/bin/python3', ['-c', 'import onnx']).status === 0;
let checked = 0;

const MOST_DIFFERENCE = 1e-4;

/** Checks the file by onnx's own checker, shapes included. */
function checkFile(path) {
  if (!python) return;
  const program = `
import sys, onnx
m = onnx.load(sys.argv[1])
onnx.checker.check_model(m, full_check=True)
onnx.shape_inference.infer_shapes(m, strict_mode=True)
assert m.opset_import[0].version == 17, m.opset_import
assert [d.dim_param for d in m.graph.input[0].type.tensor_type.shape.dim][0] == "N"
assert {"model", "input", "mean", "std", "class_names"} == {p.key for p in m.metadata_props}
assert all(d.name for d in m.graph.node)
`;
  execFileSync('/usr/bin/python3', ['-c', program, path], { stdio: 'inherit' });
}

async function run(path, type, pixels, n, [c, h, w], classes, batch) {
  const session = await ort.InferenceSession.create(path);
  const out = new Float32Array(n * classes);
  const size = c * h * w;
  for (let at = 0; at < n; at += batch) {
    const count = Math.min(batch, n - at);
    const part = pixels.subarray(at * size, (at + count) * size);
    const data = type === 'uint8' ? part : Float32Array.from(part, (p) => p / 255);
    const { logits } = await session.run({ pixels: new ort.Tensor(type === 'float' ? 'float32' : type, data, [count, c, h, w]) });
    assert.deepEqual([...logits.dims], [count, classes]);
    out.set(logits.data, at * classes);
  }
  await session.release();
  return out;
}

const best = (row) => row.indexOf(Math.max(...row));

/** The largest difference of logits; fails on it and on other predictions. */
function compare(name, ours, theirs, n, classes) {
  let most = 0, same = 0;
  for (let i = 0; i < n; i++) {
    const a = ours.subarray(i * classes, (i + 1) * classes), b = theirs.subarray(i * classes, (i + 1) * classes);
    for (let k = 0; k < classes; k++) {
      const d = Math.abs(a[k] - b[k]);
      if (!(d <= most)) most = d;
    }
    same += best(a) === best(b);
  }
  console.log(`${name}: ${same} of ${n} predicted alike, logits differ by ${most.toExponential(1)} at most`);
  assert.ok(most <= MOST_DIFFERENCE, `${name}: logits differ by ${most}`);
  assert.equal(same, n, `${name}: predictions differ`);
}

async function check(data, model, types, batch) {
  const at = join(folder, `run${checked++}`);
  execFileSync(fovea, ['train', data, '--model', model, '--epochs', '1', '--quiet', '--out', at]);
  const [n, c, h, w, classes] = execFileSync(runLogits, [at, `${at}.pixels`, `${at}.logits`]).toString().split(' ').map(Number);
  const pixels = new Uint8Array(readFileSync(`${at}.pixels`));
  const ours = new Float32Array(new Uint8Array(readFileSync(`${at}.logits`)).buffer);
  assert.equal(ours.length, n * classes);
  for (const type of types) {
    const path = `${at}-${type}.onnx`;
    execFileSync(fovea, ['export', at, '-o', path, '--input', type, '--quiet']);
    checkFile(path);
    const theirs = await run(path, type, pixels, n, [c, h, w], classes, batch);
    compare(`${data}, ${model}, ${type}, batch ${batch}`, ours, theirs, n, classes);
  }
}

for (const model of ['convnet', 'convnet-nodropout', 'convnet-onedropout', 'convnet-bn', 'resnet-small'])
  await check('digits', model, ['uint8', 'float'], 7);
for (const model of [
  'dense classes',
  'conv 4 3x3 pad 1, relu, conv classes 1x1, globalavgpool, dropout 0.1',
  'conv 6 5x3 stride 2 pad 2, batchnorm, avgpool 2, flatten, batchnorm, relu, dense 12, batchnorm, relu, dense classes',
  'dense 16, relu, conv 8 1x1, relu, maxpool 1, residual( conv 8 1x1 ), dense classes',
  'residual( conv 1 3x3 pad 1, relu ), maxpool 8, residual( dense 1 ), residual( conv 1 1x1 | dense 1 ), dense classes',
])
  await check('digits', model, ['uint8'], 360);
if (existsSync(join(process.env.FOVEA_DATA ?? '', 'mnist')))
  for (const model of ['convnet', 'convnet-bn']) await check('mnist', model, ['uint8', 'float'], 1000);
console.log(python ? 'all files pass the checker of python3-onnx' : 'python3-onnx is not here: files not checked by it');
