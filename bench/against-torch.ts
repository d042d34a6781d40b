// The shipped way against the published one: the same weights in the published PyTorch code (against-torch.py) and here,
// on one machine, one after the other, with all its cores. Prints markdown.
// usage: CNNT_CODE=… CNNT_EDGE_PYTHON=… npm run bench:torch -- WEIGHTS CONFIG --volume 30,512,512 --tile 8,256,256
//   [--setting NAME:TILE:OVERLAP:SOME]... [--rounds 3] [--best] [--compile] [--allocator LIB.so]...
// SOME says how many tiles along each axis are run of a published setting; all its tiles cost the same; without a setting
// there is no whole volume. --best: also torch in inference_mode, in bfloat16, with channels_last weights; --compile: with
// torch.compile, which takes many minutes before its first tile; --allocator: the tile once more with this library
// preloaded (jemalloc, tcmalloc).
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { encodeNpy, readNpyTensor } from "../formats/npy.ts";
import { InferenceSession, Tensor } from "../runtime/engine/onnx-runtime.ts";
import { sessionOptions } from "../runtime/engine/session-options.ts";

const root = resolve(import.meta.dirname, "..");
const program = join(root, "bin/cnnt-edge.js");
const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    volume: { type: "string", default: "30,512,512" },
    tile: { type: "string", default: "8,256,256" },
    setting: { type: "string", multiple: true, default: [] },
    rounds: { type: "string", default: "3" },
    best: { type: "boolean", default: false },
    compile: { type: "boolean", default: false },
    allocator: { type: "string", multiple: true, default: [] },
  },
});
const [weights = "", config = ""] = positionals;
const [volume, tile] = [numbers(values.volume), numbers(values.tile)];
const rounds = Number(values.rounds);
const threads = availableParallelism();

interface TorchAnswer {
  readonly torch: string;
  readonly tiles: Readonly<Record<string, number | string>>;
  readonly volumes: readonly { name: string; ran: number; of: number; seconds: number }[];
}

const folder = mkdtempSync(join(tmpdir(), "against-torch-"));
try {
  writeNpy("tile.npy", tile);
  const package_ = join(folder, "package");
  cnntEdge(["export", weights, "--config", config, "--out", package_]);

  const ours = await timeTile(join(package_, "model.onnx"));
  const torch = timeTorch();
  const tiles = { ...torch.tiles, ...tilesWithAllocators() };
  const theirs = await readNpyTensor(join(folder, "torch.npy"));
  const difference = ours.output.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (theirs.data[i] ?? 0))),
    0,
  );
  // Once more after it, in case the machine was busy at the time.
  const oursS = Math.min(ours.seconds, (await timeTile(join(package_, "model.onnx"))).seconds);
  console.log(
    `${cpus()[0]?.model}, ${threads} threads, torch ${torch.torch}, volume ${volume.join(" x ")}\n`,
  );
  console.log(`| one tile of ${tile.join(" x ")} | s, best | of ours |\n|---|---:|---:|`);
  console.log(`| cnnt-edge, \`session.run\` | ${oursS.toFixed(2)} | 1 |`);
  for (const [name, seconds] of Object.entries(tiles)) {
    if (typeof seconds === "string") console.log(`| torch, ${name} | ${seconds} | |`);
    else console.log(`| torch, ${name} | ${seconds.toFixed(2)} | ${(seconds / oursS).toFixed(2)} x |`);
  }
  console.log(`\nLargest difference between the outputs: ${difference.toExponential(1)}\n`);
  if (torch.volumes.length > 0) compareVolumes(torch.volumes, denoiseVolume(package_));
} finally {
  rmSync(folder, { recursive: true });
}

function compareVolumes(
  volumes: TorchAnswer["volumes"],
  whole: { readonly elapsedS: number; readonly networkS: number },
): void {
  console.log("| whole volume | tiles run of all | s | of ours |\n|---|---:|---:|---:|");
  console.log(
    `| cnnt-edge, file to file | all | ${whole.elapsedS.toFixed(1)} (${whole.networkS.toFixed(1)} in the network) | 1 |`,
  );
  for (const { name, ran, of, seconds } of volumes) {
    const all = (seconds * of) / ran;
    console.log(
      `| published, ${name} | ${ran} of ${of} | ${all.toFixed(0)} | ${(all / whole.elapsedS).toFixed(1)} x |`,
    );
  }
}

function numbers(text: string): number[] {
  return text.split(",").map(Number);
}

/** A smooth scene with some noise, about 0 to 1. */
function writeNpy(name: string, shape: readonly number[]): Float32Array {
  const length = shape.reduce((product, n) => product * n, 1);
  const data = Float32Array.from(
    { length },
    (_, i) =>
      0.4 +
      0.3 * Math.sin(i * 0.037) * Math.cos(i * 0.0011) +
      0.2 * ((Math.imul(i, 2654435761) >>> 0) / 2 ** 32),
  );
  writeFileSync(join(folder, name), encodeNpy({ shape, data }));
  return data;
}

function cnntEdge(args: readonly string[]): string {
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) process.exit(1);
  return stdout;
}

async function timeTile(modelFile: string): Promise<{ seconds: number; output: Float32Array }> {
  const session = await InferenceSession.create(
    modelFile,
    sessionOptions({ provider: "cpu", intraOpThreads: threads }),
  );
  const { data } = await readNpyTensor(join(folder, "tile.npy"));
  const [depth = 1, height = 1, width = 1] = tile;
  const image = { image: new Tensor("float32", data, [1, depth, 1, height, width]) };
  let output = (await session.run(image))["output"]?.data as Float32Array;
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    output = (await session.run(image))["output"]?.data as Float32Array;
    times.push((performance.now() - begin) / 1000);
  }
  await session.release();
  // The best: whatever else the machine does only adds.
  return { seconds: Math.min(...times), output };
}

function timeTorch(): TorchAnswer {
  const settings = values.setting.map((text) => {
    const [name, tileText = "", overlapText = "", someText = ""] = text.split(":");
    return { name, tile: numbers(tileText), overlap: numbers(overlapText), some: numbers(someText) };
  });
  return runTorch({ settings, best: values.best, compile: values.compile });
}

/** The tile's times with each allocator in place of the C library's. */
function tilesWithAllocators(): TorchAnswer["tiles"] {
  const all: Record<string, number | string> = {};
  for (const library of values.allocator) {
    const { tiles } = runTorch({ settings: [], best: values.best, compile: false }, { LD_PRELOAD: library });
    for (const [name, seconds] of Object.entries(tiles)) all[`${name}, ${basename(library)}`] = seconds;
  }
  return all;
}

function runTorch(
  wanted: { readonly settings: readonly object[]; readonly best: boolean; readonly compile: boolean },
  environment: Readonly<Record<string, string>> = {},
): TorchAnswer {
  const job = join(folder, "job.json");
  const paths = { tile: join(folder, "tile.npy"), out: join(folder, "torch.npy") };
  writeFileSync(job, JSON.stringify({ weights, config, threads, rounds, volume, ...wanted, ...paths }));
  const { status, stdout } = spawnSync(python, [join(root, "bench/against-torch.py"), job], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  if (status !== 0) process.exit(1);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as TorchAnswer;
}

function denoiseVolume(model: string): { elapsedS: number; networkS: number } {
  writeNpy("volume.npy", volume);
  const options = ["--model", model, "--dtype", "float32", "--out", join(folder, "out"), "--json"];
  const answer = JSON.parse(cnntEdge(["denoise", join(folder, "volume.npy"), ...options])) as {
    results: readonly { outcome: { elapsedS: number; networkS: number } }[];
  };
  const [result] = answer.results;
  if (result === undefined) process.exit(1);
  return result.outcome;
}
