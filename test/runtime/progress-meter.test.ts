import assert from "node:assert/strict";
import { test } from "node:test";
import type { Progress } from "../../runtime/denoise-job.ts";
import { createProgressMeter } from "../../runtime/progress-meter.ts";

function meterOf(totalVoxels: number, expectedVoxelsPerS?: number) {
  let nowMs = 0;
  const told: Progress[] = [];
  const meter = createProgressMeter({
    totalVoxels,
    now: () => nowMs,
    report: (progress) => told.push(progress),
    expectedVoxelsPerS,
  });
  return { meter, told, pass: (ms: number) => (nowMs += ms) };
}

test("a single large tile tells the time left from what the network is known to take", () => {
  const { meter, told, pass } = meterOf(1000, 100);
  meter.enter("statistics");
  pass(5000);
  meter.enter("denoising");
  pass(4000);
  meter.tick();
  const last = told.at(-1);
  assert.equal(last?.doneVoxels, 0);
  assert.equal(last?.etaS, 6);
  pass(7000);
  meter.tick();
  // Longer than expected: no time is told rather than a wrong one.
  assert.equal(told.at(-1)?.etaS, undefined);
});

test("what was delivered tells the time left as soon as there is something", () => {
  const { meter, told, pass } = meterOf(1000, 1);
  meter.enter("denoising");
  pass(2000);
  meter.advance(500);
  assert.equal(told.at(-1)?.voxelsPerS, 250);
  assert.equal(told.at(-1)?.etaS, 2);
});

test("ticks right after a report say nothing new", () => {
  const { meter, told } = meterOf(1000);
  meter.enter("denoising");
  meter.tick();
  assert.equal(told.length, 1);
});
