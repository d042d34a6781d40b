import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createProgressLine, describeDuration, describeProgress } from "../../../bin/words/progress.ts";
import type { Progress } from "../../../runtime/job/denoise-job.ts";
import { createProgressMeter } from "../../../runtime/stack/progress-meter.ts";

const half: Progress = {
  stage: "denoising",
  doneVoxels: 50,
  totalVoxels: 100,
  elapsedS: 5,
  voxelsPerS: 260_000,
  etaS: 69.2,
};

test("says stage, share, rate and time left", () => {
  assert.equal(describeProgress(half), "denoising, about 50 % done, 1 min 10 s left, 0.260 Mvoxel/s");
  assert.deepEqual([0.2, 59.5, 7261].map(describeDuration), ["1 s", "1 min 0 s", "2 h 1 min"]);
});

test("writes a plain line now and then where there is no terminal", () => {
  let clock = 0;
  const stderr = new PassThrough();
  const line = createProgressLine("a.tif", stderr, () => clock);
  for (clock = 0; clock <= 12_000; clock += 1000) line.show(half);
  const text = String(stderr.read());
  assert.equal(text.split("\n").filter((part) => part !== "").length, 2);
  assert.doesNotMatch(text, /\r/);
});

test("redraws a bar no wider than the terminal, with as much of the name as fits", () => {
  const drawnAt = (columns: number): string => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns });
    createProgressLine("a-file-with-a-very-long-name.tif", stderr).show(half);
    return String(stderr.read()).replace("\r\u001b[K", "");
  };
  const short = "denoising, about 50 % done, 1 min 10 s left";
  assert.equal(
    drawnAt(130),
    `a-file-with-a-very-long-name.tif [${"#".repeat(10)}${"-".repeat(10)}] ${describeProgress(half)}`,
  );
  assert.equal(drawnAt(80), `a-file-with… [${"#".repeat(10)}${"-".repeat(10)}] ${short}`);
  assert.equal(drawnAt(65), `a-file-w… [####----] ${short}`);
  assert.equal(drawnAt(30), short.slice(0, 29));
});

test("measures the rate on the time that was spent denoising, and counts voxels once", () => {
  let clock = 0;
  const reports: Progress[] = [];
  const meter = createProgressMeter({ totalVoxels: 100, now: () => clock, report: (p) => reports.push(p) });
  meter.expect(100, undefined);
  meter.enter("opening");
  meter.enter("statistics");
  clock = 10_000;
  meter.enterTiles(50);
  clock = 12_000;
  meter.advance(50);
  assert.deepEqual(reports.at(-1), {
    stage: "denoising",
    doneVoxels: 50,
    totalVoxels: 100,
    elapsedS: 12,
    estimatedShare: 0.5,
    voxelsPerS: 25,
    etaS: 2,
    etaBasis: "the tiles of this job",
  });
  const before = reports.length;
  clock = 12_100;
  meter.advance(1);
  assert.equal(reports.length, before);
});
