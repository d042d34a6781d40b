// What the engine costs the microscope's own program, and what giving way costs the engine. A stand-in for the camera's
// program works 3 ms in each 10 ms (it copies and sums frames) and notes how late each frame is done, while the engine
// denoises. Each way of sharing the machine in turns, in one run; prints markdown.
// usage: npm run bench:beside -- [--seconds 20] [--rounds 3]
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../core/median.ts";
import { type EngineOptions, startEngine } from "../runtime/engine/host.ts";
import { denoiseJobSchema } from "../runtime/job/denoise-job.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, rounds: { type: "string", default: "3" } },
});
const cores = availableParallelism();
const root = resolve(import.meta.dirname, "..");
const model = join(root, "models/default");
const ways: Readonly<Record<string, Partial<EngineOptions> | undefined>> = {
  "no engine": undefined,
  "one thread less than cores, normal priority": { intraOpThreads: Math.max(1, cores - 1) },
  "all threads, normal priority": { intraOpThreads: cores },
  "all threads, low priority (the daemon's default)": { intraOpThreads: cores, lowPriority: true },
};

/** Prints how late frames were, in ms: the half, one in a hundred, and the last of all. */
const camera = `
const [seconds] = process.argv.slice(1).map(Number);
const frame = new Uint16Array(1 << 20), copy = new Uint16Array(1 << 20);
const late = [];
const begin = performance.now();
let due = begin;
(function tick() {
  const from = performance.now();
  while (performance.now() - from < 3) { copy.set(frame.subarray(0, 1 << 16)); frame[0] = (copy[1] + 1) & 65535; }
  late.push(performance.now() - due - 3);
  due += 10;
  if (due - begin > seconds * 1000) {
    late.sort((a, b) => a - b);
    const at = (share) => late[Math.min(late.length - 1, Math.floor(share * late.length))];
    console.log(JSON.stringify([at(0.5), at(0.99), at(1)]));
    return;
  }
  setTimeout(tick, Math.max(0, due - performance.now()));
})();`;

const folder = mkdtempSync(join(tmpdir(), "beside-"));
const found = new Map<string, { voxelsPerS: number[]; late: number[][] }>();
try {
  const simulate = [join(root, "bin/cnnt-edge.js"), "simulate", "--out", folder, "--shape", "16,128,128"];
  const input = spawnSync(process.execPath, simulate, { encoding: "utf8" }).stdout.trim();
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const [name, options] of Object.entries(ways)) {
      const all = found.get(name) ?? { voxelsPerS: [], late: [] };
      found.set(name, all);
      const { voxelsPerS, late } = await measure(input, options);
      all.voxelsPerS.push(voxelsPerS);
      all.late.push(late);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`${cpus()[0]?.model}, ${cores} cores; medians of ${values.rounds} rounds of ${values.seconds} s`);
console.log("| engine | Mvoxel/s | frame late: half, ms | 1 in 100 | latest |\n|---|---:|---:|---:|---:|");
for (const [name, { voxelsPerS, late }] of found) {
  const lateness = [0, 1, 2].map((k) => median(late.map((one) => one[k] ?? Number.NaN)).toFixed(1));
  console.log(`| ${[name, (median(voxelsPerS) / 1e6).toFixed(3), ...lateness].join(" | ")} |`);
}

async function measure(
  input: string,
  options: Partial<EngineOptions> | undefined,
): Promise<{ voxelsPerS: number; late: number[] }> {
  if (options === undefined) return { voxelsPerS: 0, late: await playCamera() };
  const engine = startEngine({ models: [model], providers: ["cpu"], ...options });
  try {
    await engine.ready();
    const order = {
      input,
      output: join(folder, "result.ome.tif"),
      overwrite: true,
      models: { default: model },
    };
    const job = denoiseJobSchema.parse(order);
    await engine.denoise(job);
    const playing = playCamera();
    let ended = false;
    const end = playing.finally(() => {
      ended = true;
    });
    const rates: number[] = [];
    while (!ended) {
      const { voxels, elapsedS } = await engine.denoise(job);
      rates.push(voxels / elapsedS);
    }
    return { voxelsPerS: median(rates), late: await end };
  } finally {
    await engine.stop();
  }
}

async function playCamera(): Promise<number[]> {
  const child = spawn(process.execPath, ["-e", camera, values.seconds], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await once(child, "close");
  return JSON.parse(text) as number[];
}
