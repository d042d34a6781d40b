import assert from "node:assert/strict";
import { test } from "node:test";
import type { Progress } from "../../../runtime/job/denoise-job.ts";
import { createProgressMeter } from "../../../runtime/stack/progress-meter.ts";

function meterOf(totalVoxels: number) {
  let nowMs = 0;
  const told: Progress[] = [];
  const meter = createProgressMeter({
    totalVoxels,
    now: () => nowMs,
    report: (progress) => told.push(progress),
  });
  return { meter, told, pass: (ms: number) => (nowMs += ms) };
}

test("within a single large tile the estimate moves, and what was delivered stays what was delivered", () => {
  const { meter, told, pass } = meterOf(1000);
  meter.expect(1000, { msPerVoxel: 10, basis: "the warm-up run" });
  meter.enter("statistics");
  assert.equal(told.at(-1)?.etaS, 10);
  pass(5000);
  meter.enterTiles(1000);
  pass(4000);
  meter.tick();
  assert.deepEqual(
    [told.at(-1)?.doneVoxels, told.at(-1)?.estimatedShare, told.at(-1)?.etaBasis],
    [0, 0.4, "the warm-up run"],
  );
  pass(60_000);
  meter.tick();
  const late = told.at(-1);
  assert.ok((late?.estimatedShare ?? 1) < 1 && (late?.etaS ?? 0) > 0);
});

test("the rate is that of what was delivered", () => {
  const { meter, told, pass } = meterOf(1000);
  meter.expect(1000, { msPerVoxel: 1, basis: "the warm-up run" });
  meter.enterTiles(500);
  pass(2000);
  meter.advance(500);
  assert.equal(told.at(-1)?.voxelsPerS, 250);
});

test("channels that are passed on are no tiles, and progress counts them", () => {
  const { meter, told, pass } = meterOf(1000);
  meter.expect(500, { msPerVoxel: 4, basis: "the warm-up run" });
  meter.enter("writing");
  pass(300);
  meter.advance(500);
  assert.deepEqual([told.at(-1)?.estimatedShare, told.at(-1)?.doneVoxels], [0.5, 500]);
  meter.enterTiles(500);
  pass(1000);
  meter.tick();
  assert.equal(told.at(-1)?.estimatedShare, 0.75);
});

test("ticks right after a report say nothing new", () => {
  const { meter, told } = meterOf(1000);
  meter.enterTiles(1000);
  meter.tick();
  assert.equal(told.length, 1);
});
