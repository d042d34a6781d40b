// Denoises simulated Z stacks with known truth (5, 20, 80 photons) and lets depth.py judge them by depth.
// usage: npm run bench:depth [-- Z,Y,X [MEMORY_LIMIT]]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const program = join(root, "bin/cnnt-edge.js");
const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";
const [, , shape = "40,300,300", memoryLimit = "100%"] = process.argv;
const folder = mkdtempSync(join(tmpdir(), "depth-"));

function run(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
  return stdout;
}

try {
  for (const photons of ["5", "20", "80"]) {
    const out = join(folder, photons);
    run(program, [
      "simulate",
      "--out",
      out,
      "--shape",
      shape,
      "--photons",
      photons,
      "--clean",
      "--seed",
      "11",
    ]);
    const noisy = join(out, "simulated-0011.ome.tif");
    const limit = ["--memory-limit", memoryLimit];
    const answer = run(program, ["denoise", noisy, "--dtype", "float32", "--out", out, "--json", ...limit]);
    const { results } = JSON.parse(answer) as {
      results: { outcome?: { output: string; tile: number[]; overlap: number[] } }[];
    };
    const result = results[0]?.outcome;
    if (result === undefined) throw new Error("denoise gave no result");
    const clean = join(out, "simulated-0011-clean.ome.tif");
    const tiles = [result.tile.join(), result.overlap.join()];
    console.log(`\n${photons} photons, ${shape}, tile ${tiles[0]}, overlap ${tiles[1]}\n`);
    console.log(run(python, [join(root, "bench/depth.py"), noisy, clean, result.output, ...tiles]));
  }
} finally {
  rmSync(folder, { recursive: true });
}
