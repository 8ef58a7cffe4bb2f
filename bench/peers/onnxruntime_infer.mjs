/* Peer: runs an exported model in onnxruntime-node on the CPU and prints one JSON line.
 *
 *     node onnxruntime_infer.mjs FILE.onnx --shape 1x28x28 [--batch 1] [--threads 2] [--seconds 0.4]
 *
 * `call_s` is the median time of session.run over one batch of made-up pixels; the tensor is made once, before. The kind
 * of pixels (uint8, or float in 0 to 1) is the file's. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../package.json', import.meta.url));
const ort = require('onnxruntime-node');
const { version } = JSON.parse(readFileSync(new URL('../node_modules/onnxruntime-node/package.json', import.meta.url)));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    shape: { type: 'string' },
    batch: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '0.4' },
  },
});
const batch = Number(values.batch), shape = values.shape.split('x').map(Number);
const session = await ort.InferenceSession.create(positionals[0], {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  intraOpNumThreads: Number(values.threads),
  interOpNumThreads: 1,
});

const type = session.inputMetadata[0].type === 'uint8' ? 'uint8' : 'float32';
const n = batch * shape.reduce((a, b) => a * b);
const bytes = Uint8Array.from({ length: n }, (_, i) => ((i * 2654435761) >>> 16) & 255);
const data = type === 'uint8' ? bytes : Float32Array.from(bytes, (b) => b / 255);
const feeds = { [session.inputNames[0]]: new ort.Tensor(type, data, [batch, ...shape]) };

const FIRST = 20, FEWEST = 5;
for (let i = 0; i < (batch === 1 ? FIRST : 3); i++) await session.run(feeds);
const times = [], end = performance.now() + 1000 * Number(values.seconds);
while (times.length < FEWEST || performance.now() < end) {
  const start = performance.now();
  await session.run(feeds);
  times.push((performance.now() - start) / 1000);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({
  peer: `onnxruntime-node ${version}`,
  input: type,
  batch,
  threads: Number(values.threads),
  calls: times.length,
  call_s: times[times.length >> 1],
}));
