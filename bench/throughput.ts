// How near denoising with a network that does nothing comes to `cp`: the same file, the same disk, in turns. Both end with
// the result synced; `cp` alone, which leaves it in memory, is told beside it.
// usage: npm run bench:throughput -- [--size 256,1024,1024] [--runs 5] [--scratch DIR] [--cold]
// --cold: the source is put out of the page cache before each run (Linux, python3).
import { spawnSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../core/median.ts";
import { startEngine } from "../runtime/engine/host.ts";
import { denoiseJobSchema } from "../runtime/job/denoise-job.ts";

const root = resolve(import.meta.dirname, "..");
const { values } = parseArgs({
  options: {
    size: { type: "string", default: "256,1024,1024" },
    runs: { type: "string", default: "5" },
    scratch: { type: "string", default: tmpdir() },
    cold: { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(values.scratch, "throughput-"));
const model = join(root, "models/identity");
const engine = startEngine({ models: [model], providers: ["cpu"] });
try {
  await engine.ready();
  const simulate = ["simulate", "--scene", "ramp", "--out", folder, "--shape", values.size];
  const program = join(root, "bin/cnnt-edge.js");
  const input = spawnSync(process.execPath, [program, ...simulate], { encoding: "utf8" }).stdout.trim();
  const copyTimes: number[] = [];
  const syncedTimes: number[] = [];
  const ownTimes: number[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    const copy = join(folder, "copy.tif");
    prepare(input);
    const begin = performance.now();
    spawnSync("cp", [input, copy]);
    copyTimes.push((performance.now() - begin) / 1000);
    sync(copy);
    syncedTimes.push((performance.now() - begin) / 1000);
    rmSync(copy);

    prepare(input);
    const output = join(folder, "own.ome.tif");
    const job = denoiseJobSchema.parse({ input, output, models: { default: model } });
    const { elapsedS } = await engine.denoise(job);
    ownTimes.push(elapsedS);
    if (run === 0 && sampleHash(input) !== sampleHash(output)) process.exitCode = 1;
    rmSync(output);
  }
  const bytes = statSync(input).size;
  const own = median(ownTimes);
  console.log(`${cpus()[0]?.model}, ${availableParallelism()} cores; ${values.size} uint16, ${bytes} bytes`);
  console.log(
    "| what | s (median) | all runs | MB/s | speed of the identity job |\n|---|---:|---|---:|---:|",
  );
  const rows = {
    "identity package, synced, verified, hashed": ownTimes,
    "cp, then fsync": syncedTimes,
    cp: copyTimes,
  };
  for (const [what, times] of Object.entries(rows)) {
    const all = times.map((seconds) => seconds.toFixed(2)).join(", ");
    const row = [what, median(times).toFixed(2), all, (bytes / median(times) / 1e6).toFixed(0)];
    console.log(`| ${row.join(" | ")} | ${(median(times) / own).toFixed(2)} x |`);
  }
} finally {
  await engine.stop();
  rmSync(folder, { recursive: true });
}

function sync(file: string): void {
  const descriptor = openSync(file, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** Nothing is left to be written from before; the source is in the page cache, or is not. */
function prepare(file: string): void {
  spawnSync("sync");
  if (!values.cold) return;
  const evict = "import os,sys; f=os.open(sys.argv[1],0); os.posix_fadvise(f,0,0,os.POSIX_FADV_DONTNEED)";
  spawnSync("python3", ["-c", evict, file]);
}

function sampleHash(file: string): string {
  const program = join(root, "bin/cnnt-edge.js");
  const { stdout } = spawnSync(process.execPath, [program, "info", file, "--hash"], { encoding: "utf8" });
  return /[0-9a-f]{64}/.exec(stdout)?.[0] ?? "none";
}
