// Asks the emotion network of an npm package about ready-made crops, in plain Node on tfjs-backend-wasm; no detector runs.
// node node_worker.mjs human|face-api FOLDER JOB: FOLDER is where npm installed them, JOB a JSON file {pixels, n, side, runs, answer}.
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const WARM = 20; // wasm is compiled anew while it runs: the first calls take several times as long
const READ = 32; // crops at a time where nothing is timed
const [name, folder, jobPath] = process.argv.slice(2);
const job = JSON.parse(fs.readFileSync(jobPath, 'utf8'));
const require = createRequire(path.resolve(folder, 'package.json'));
const packages = path.resolve(folder, 'node_modules/@vladmandic');
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');

// human asks this network only about faces it has found itself, so its weights are run here by the lines of its
// src/gear/emotion.ts: bilinear to 64x64, its own weights for grey, -1..1. Its scores are also rounded to hundredths there; not here.
async function human() {
  const file = path.join(packages, 'human/models/emotion');
  const said = JSON.parse(fs.readFileSync(`${file}.json`));
  const weights = fs.readFileSync(`${file}.bin`);
  const model = await tf.loadGraphModel(tf.io.fromMemory({
    modelTopology: said.modelTopology,
    weightSpecs: said.weightsManifest[0].weights,
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
    format: said.format,
  }));
  const size = model.inputs[0].shape[2];
  const grey = tf.tensor1d([0.2989, 0.587, 0.114]);
  return {
    labels: ['angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral'],
    bytes: weights.length,
    read: async (pixels, n, side) => {
      const out = tf.tidy(() => {
        const resized = tf.image.resizeBilinear(tf.tensor4d(pixels, [n, side, side, 3], 'int32').div(255), [size, size], false);
        return model.execute(resized.mul(grey).sum(3, true).sub(0.5).mul(2));
      });
      const probs = await out.data();
      out.dispose();
      return rows(probs, n);
    },
  };
}

// face-api's public call: it squares, resizes to 112x112 and subtracts means itself.
async function faceApi() {
  const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
  const net = faceapi.nets.faceExpressionNet;
  const model = path.join(packages, 'face-api/model');
  await net.loadFromDisk(model);
  const labels = ['neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised'];
  return {
    labels,
    bytes: fs.statSync(path.join(model, 'face_expression_model.bin')).size,
    read: async (pixels, n, side) => {
      const all = tf.tensor4d(pixels, [n, side, side, 3], 'int32');
      const each = tf.unstack(all);
      const said = await net.predictExpressions(each);
      tf.dispose([all, ...each]);
      return said.map((one) => labels.map((label) => one[label]));
    },
  };
}

function rows(probs, n) {
  return Array.from({ length: n }, (_, i) => Array.from(probs.slice((i * probs.length) / n, ((i + 1) * probs.length) / n)));
}

async function timed(read, pixels, size, runs) {
  const took = [];
  for (let i = -Math.ceil(WARM / size); i < runs; i += 1) {
    const began = performance.now();
    await read(pixels, size, job.side);
    if (i >= 0) took.push(performance.now() - began);
  }
  return took;
}

wasm.setThreadsCount(1);
await tf.setBackend('wasm');
await tf.ready();
const { labels, bytes, read } = await { human, 'face-api': faceApi }[name]();
const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) ? ', SIMD' : '';
const answer = { labels, megabytes: bytes / 1e6, backend: `tfjs ${tf.version.tfjs} ${tf.getBackend()}${simd}`, took_ms: {}, probs: [] };
const pixels = new Uint8Array(fs.readFileSync(job.pixels));
const crop = job.side * job.side * 3;
for (const [size, runs] of Object.entries(job.runs)) {
  const some = new Uint8Array(size * crop);
  for (let i = 0; i < size; i += 1) some.set(pixels.subarray((i % job.n) * crop, ((i % job.n) + 1) * crop), i * crop);
  answer.took_ms[size] = await timed(read, some, Number(size), runs);
}
if (!Object.keys(job.runs).length) {
  for (let i = 0; i < job.n; i += READ) {
    const n = Math.min(READ, job.n - i);
    answer.probs.push(...(await read(pixels.subarray(i * crop, (i + n) * crop), n, job.side)));
  }
}
fs.writeFileSync(job.answer, JSON.stringify(answer));
