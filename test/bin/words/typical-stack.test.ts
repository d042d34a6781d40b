import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { typicalStackWords } from "../../../bin/words/typical-stack.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { chooseTiles } from "../../../runtime/plan/choose-tile.ts";
import { redundancy } from "../../../runtime/plan/tile-plan.ts";

const { settings } = await readPackage(resolve(import.meta.dirname, "../../../models/default"));
const voxelsPerS = 1e6;
const saidS = (words: string): number => Number(/about (\d+) s/.exec(words)?.[1]);

test("the time of a typical stack is that of the tiles it will get, as the folder and the memory limit have it", () => {
  for (const more of [
    {},
    { tile: [8, 64, 64], overlap: [2, 16, 16] },
    { memoryLimitBytes: 0.3e9 },
  ] as const) {
    const wishes = { settings, ...more };
    const plan = chooseTiles({ ...wishes, stack: [20, 1024, 1024], bytesPerSample: 2 });
    const expectedS = (20 * 1024 ** 2 * redundancy(plan)) / voxelsPerS;
    assert.ok(Math.abs(saidS(typicalStackWords(wishes, voxelsPerS)) - expectedS) <= 1, JSON.stringify(more));
  }
});

test("a memory limit that holds no tile of a typical stack is told in place of a time", () => {
  assert.match(
    typicalStackWords({ settings, memoryLimitBytes: 1e6 }, voxelsPerS),
    /memory limit is too small/,
  );
});
