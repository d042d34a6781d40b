// Is the package's plan as near to the truth as one piece, at every depth? Denoises simulated Z stacks with known truth (5, 20
// and 80 photons) both ways, and lets depth.py judge them. 24 x 300 x 300 takes some minutes and 3 GB on two cores.
// usage: npm run bench:depth [-- Z,Y,X [MODEL]]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readPackage } from "../export/package/read-package.ts";

const root = resolve(import.meta.dirname, "..");
const program = join(root, "bin/cnnt-edge.js");
const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";
const [, , shape = "24,300,300", model = join(root, "models/default")] = process.argv;
const { spatial_multiple: multiple } = (await readPackage(resolve(model))).settings;
const folder = mkdtempSync(join(tmpdir(), "depth-"));

/** The tile that holds the whole stack: depth, height, width. */
const wholeStack = shape.split(",").map((length, axis) => {
  const step = axis === 0 ? 1 : multiple;
  return Math.ceil(Number(length) / step) * step;
});

function run(command: string, args: readonly string[]): string {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
  return stdout;
}

/** The result's file, and the tile and overlap (depth, height, width) that it was made with. */
function denoise(noisy: string, out: string, options: readonly string[]) {
  const usual = ["--model", model, "--dtype", "float32", "--memory-limit", "100%", "--json", "--out", out];
  const { results } = JSON.parse(run(program, ["denoise", noisy, ...usual, ...options])) as {
    results: { outcome?: { output: string; tile: number[]; overlap: number[] } }[];
  };
  const outcome = results[0]?.outcome;
  if (outcome === undefined) throw new Error("denoise gave no result");
  return outcome;
}

try {
  for (const photons of ["5", "20", "80"]) {
    const simulation = ["--shape", shape, "--photons", photons, "--clean", "--seed", "11"];
    run(program, ["simulate", "--out", folder, "--overwrite", ...simulation]);
    const noisy = join(folder, "simulated-0011.ome.tif");
    const clean = join(folder, "simulated-0011-clean.ome.tif");
    const planned = denoise(noisy, join(folder, `planned-${photons}`), []);
    const piece = denoise(noisy, join(folder, `piece-${photons}`), [
      "--tile",
      wholeStack.join(),
      "--overlap",
      "0,0,0",
    ]);
    if (piece.tile.join() !== wholeStack.join())
      throw new Error(`one piece became tiles of ${piece.tile.join()}`);
    const tiles = [planned.tile.join(), planned.overlap.join()];
    console.log(`\n${photons} photons, ${shape}: tiles of ${tiles[0]} sharing ${tiles[1]}, and one piece\n`);
    const judge = [join(root, "bench/depth.py"), noisy, clean, planned.output, piece.output, ...tiles];
    console.log(run(python, judge));
  }
} finally {
  rmSync(folder, { recursive: true });
}
