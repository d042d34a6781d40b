// Does memory depend on depth? Denoises a shallow and a deep stack of equal plane size and compares the peak resident
// memory of the whole process tree (median of the runs); for the identity package (the default), output with input too.
// usage: node --import tsx bench/memory-depth.ts [--depths 512,2048] [--side 1024] [--runs 3] [--scratch DIR]
//        [--model DIR] [--memory-limit 7GB] [--allowed 1.05]
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { median } from "../core/median.ts";

const root = resolve(import.meta.dirname, "..");
const program = join(root, "bin/cnnt-edge.js");
const pollEveryMs = 20;
const identity = join(root, "models/identity");

const { values } = parseArgs({
  options: {
    depths: { type: "string", default: "512,2048" },
    side: { type: "string", default: "1024" },
    runs: { type: "string", default: "3" },
    scratch: { type: "string", default: tmpdir() },
    model: { type: "string", default: identity },
    "memory-limit": { type: "string" },
    allowed: { type: "string", default: "1.05" },
  },
});
const depths = values.depths.split(",").map(Number);
const runs = Number(values.runs);
const allowedRatio = Number(values.allowed);
const isIdentity = resolve(values.model) === identity;
const limit = values["memory-limit"];

/** Resident bytes of a process and all that descend from it. Pages they share count once for each. */
function residentBytes(pid: number): number {
  const children = new Map<number, number[]>();
  const resident = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, "utf8");
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
      resident.set(Number(name), 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It ended between the two reads.
    }
  }
  const sum = (of: number): number =>
    (resident.get(of) ?? 0) + (children.get(of) ?? []).reduce((total, child) => total + sum(child), 0);
  return sum(pid);
}

async function peakOf(args: readonly string[]): Promise<{ bytes: number; seconds: number }> {
  const begin = performance.now();
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  let bytes = 0;
  const poll = setInterval(() => {
    bytes = Math.max(bytes, residentBytes(child.pid ?? 0));
  }, pollEveryMs);
  const code = await new Promise((done) => child.once("close", done));
  clearInterval(poll);
  if (code !== 0) process.exit(1);
  return { bytes, seconds: (performance.now() - begin) / 1000 };
}

function sampleHash(file: string): string {
  const { stdout } = spawnSync(process.execPath, [program, "info", file, "--hash"], { encoding: "utf8" });
  return /[0-9a-f]{64}/.exec(stdout)?.[0] ?? "none";
}

const folder = mkdtempSync(join(values.scratch, "memory-depth-"));
try {
  console.log(
    `${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Node ${process.versions.node}`,
  );
  console.log("| planes | bytes | peak MB of each run | median MB | s (median) | output is input |");
  console.log("|---:|---:|---|---:|---:|---|");
  const medians: number[] = [];
  for (const depth of depths) {
    const shape = `${depth},${values.side},${values.side}`;
    const simulate = ["simulate", "--scene", "ramp", "--out", folder, "--shape", shape];
    const input = spawnSync(process.execPath, [program, ...simulate], { encoding: "utf8" }).stdout.trim();
    const options = ["--model", values.model, "--out", join(folder, "out"), "--overwrite", "--json"];
    if (limit !== undefined) options.push("--memory-limit", limit);
    const peaks: { bytes: number; seconds: number }[] = [];
    for (let i = 0; i < runs; i += 1) peaks.push(await peakOf(["denoise", input, ...options]));
    const megabytes = peaks.map(({ bytes }) => bytes / 1e6);
    medians.push(median(megabytes));
    const result = join(folder, "out", readdirSync(join(folder, "out"))[0] ?? "");
    const same = !isIdentity || sampleHash(input) === sampleHash(result);
    const row = [
      depth,
      statSync(input).size,
      megabytes.map((peak) => peak.toFixed(0)).join(", "),
      median(megabytes).toFixed(0),
      median(peaks.map(({ seconds }) => seconds)).toFixed(1),
      isIdentity ? (same ? "yes" : "NO") : "-",
    ];
    console.log(`| ${row.join(" | ")} |`);
    rmSync(input);
    rmSync(join(folder, "out"), { recursive: true });
    if (!same) process.exitCode = 1;
  }
  const ratio = Math.max(...medians) / Math.min(...medians);
  console.log(`largest / smallest median: ${ratio.toFixed(3)} (allowed: ${allowedRatio})`);
  if (ratio > allowedRatio) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
