// Does the memory that happens to be free decide anything? Denoises one simulated stack while a ballast in this process
// leaves only so much free, and compares the samples.
// usage: npm run bench:free-memory [-- GB,GB,…]   (default 20,8,3,0.4; the last is less than the shipped tiles need)
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

const program = join(import.meta.dirname, "../bin/cnnt-edge.js");
const pieceBytes = 64e6;
const targetsGb = (process.argv[2] ?? "20,8,3,0.4").split(",").map(Number);
const scratch = mkdtempSync(join(tmpdir(), "free-memory-"));
/** The tile that a result states, and the hash of its samples. */
const facts = z
  .array(
    z.object({
      series: z
        .array(
          z.object({
            sha256: z.string(),
            provenance: z.array(z.array(z.tuple([z.string(), z.string()]))),
          }),
        )
        .length(1),
    }),
  )
  .length(1);

function describe(result: string): string {
  const { stdout } = spawnSync(program, ["info", result, "--hash", "--json"], { encoding: "utf8" });
  const [series] = facts.parse(JSON.parse(stdout))[0]?.series ?? [];
  const tile = series?.provenance.flat().find(([name]) => name === "Tile")?.[1];
  return `tiles of ${tile}, samples ${series?.sha256.slice(0, 16)}`;
}

const ballast: Buffer[] = [];
try {
  const simulated = ["simulate", "--out", scratch, "--shape", "30,256,256", "--seed", "7"];
  spawnSync(program, simulated, { stdio: "inherit" });
  console.log("| free before, GB | code | tiles and samples |\n|---:|---:|---|");
  for (const targetGb of targetsGb.sort((one, other) => other - one)) {
    while (freemem() > targetGb * 1e9 + pieceBytes) ballast.push(Buffer.alloc(pieceBytes, 1));
    const freeGb = freemem() / 1e9;
    const out = join(scratch, `with-${targetGb}`);
    const source = join(scratch, "simulated-0007.ome.tif");
    const { status, stdout, stderr } = spawnSync(program, ["denoise", source, "--out", out], {
      encoding: "utf8",
    });
    const told = status === 0 ? describe(stdout.trim()) : stderr.trim().split("\n").at(-1);
    console.log(`| ${freeGb.toFixed(2)} | ${status} | ${told} |`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
