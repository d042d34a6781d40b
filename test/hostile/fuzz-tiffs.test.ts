import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../core/errors.ts";
import { describeFile, openAcquisition } from "../../formats/open.ts";
import { planesOf } from "../../formats/plane-source.ts";

const fixtures = join(import.meta.dirname, "../fixtures/tiff");
const scratch = mkdtempSync(join(tmpdir(), "fuzz-tiffs-"));
after(() => rmSync(scratch, { recursive: true }));

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Flips bytes, mostly near the directories and headers; sometimes cuts the file or doubles a part of it. */
function mutated(bytes: Buffer, next: (below: number) => number): Buffer {
  const result = Buffer.from(bytes);
  const header = Math.min(result.length, 600);
  for (let flips = 1 + next(6); flips > 0; flips -= 1) {
    const at =
      next(3) === 0 ? next(result.length) : next(2) === 0 ? next(header) : result.length - 1 - next(header);
    result[at] = [0, 0xff, 0x80, next(256), (result[at] ?? 0) ^ (1 << next(8))][next(5)] ?? 0;
  }
  const way = next(10);
  if (way === 0) return result.subarray(0, next(result.length));
  return way === 1 ? Buffer.concat([result, result.subarray(next(result.length))]) : result;
}

/** Reads the first planes of all series. Throws what is no `EdgeError`. */
async function readSome(file: string): Promise<"read" | "refused"> {
  try {
    const all = await describeFile(file);
    for (const series of all.keys()) {
      const source = await openAcquisition(file, { series });
      try {
        let planes = 0;
        for await (const plane of planesOf(source)) {
          assert.equal(plane.samples.length, source.acquisition.sizes.y * source.acquisition.sizes.x);
          planes += 1;
          if (planes === 4) break;
        }
      } finally {
        await source.close();
      }
    }
    return "read";
  } catch (error) {
    if (!isEdgeError(error)) throw error;
    return "refused";
  }
}

const seeds = readdirSync(join(fixtures, "made")).filter((name) => name.endsWith(".tif"));
const roundsPerFile = Number(process.env["CNNT_EDGE_FUZZ_ROUNDS"] ?? "60");

for (const [index, name] of seeds.entries()) {
  test(`damaged copies of ${name} are read or refused, in bounded time and memory`, {
    timeout: 60_000,
  }, async () => {
    const bytes = readFileSync(join(fixtures, "made", name));
    const file = join(scratch, name);
    const before = process.memoryUsage.rss();
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < roundsPerFile; round += 1) {
      const next = random(index * 100_003 + round);
      writeFileSync(file, mutated(bytes, next));
      try {
        outcomes[await readSome(file)] += 1;
      } catch (error) {
        assert.fail(`round ${round}: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
    // The largest plane that the limits allow is 2 GiB; no copy of a file of kilobytes may come near it.
    assert.ok(process.memoryUsage.rss() - before < 512 << 20, "memory");
    assert.ok(outcomes.refused > 0, JSON.stringify(outcomes));
  });
}
