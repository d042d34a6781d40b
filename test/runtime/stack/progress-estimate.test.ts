import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createProgressEstimate, type Outlook, tileShare } from "../../../runtime/stack/progress-meter.ts";

const tickMs = 250;

interface Simulated {
  readonly tiles: number;
  /** What a tile really takes, and what was expected. */
  readonly tileMs: number;
  readonly expectedMs: number | undefined;
}

/** A job whose tiles all take equally long, looked at by the clock until its last tile ends. */
function play({ tiles, tileMs, expectedMs }: Simulated): (Outlook & { leftS: number })[] {
  const tileVoxels = 1000;
  const total = tiles * tileVoxels;
  const estimate = createProgressEstimate();
  estimate.expect(
    total,
    expectedMs === undefined ? undefined : { msPerVoxel: expectedMs / tileVoxels, basis: "a guess" },
  );
  estimate.start(tileVoxels, 0);
  const told: (Outlook & { leftS: number })[] = [];
  let done = 0;
  for (let nowMs = 0; nowMs < tiles * tileMs; nowMs += tickMs) {
    while ((done + 1) * tileMs <= nowMs) {
      done += 1;
      estimate.delivered(tileVoxels, done * tileMs);
    }
    const leftS = (tiles * tileMs - nowMs) / 1000;
    told.push({ ...estimate.at(done * tileVoxels, total, nowMs), leftS });
  }
  return told;
}

const anyJob = fc.record({
  tiles: fc.integer({ min: 1, max: 12 }),
  tileMs: fc.integer({ min: 300, max: 100_000 }),
  expectedMs: fc.option(fc.integer({ min: 300, max: 100_000 }), { nil: undefined }),
});

test("progress never goes back, and is not whole before the job is done", () => {
  fc.assert(
    fc.property(anyJob, (job) => {
      let before = 0;
      for (const { share } of play(job)) {
        assert.ok(share >= before && share < 1, `${before} then ${share}`);
        before = share;
      }
    }),
    { numRuns: 50 },
  );
});

test("progress moves within a tile that takes minutes, whatever was expected of it", () => {
  for (const expectedMs of [60_000, 200_000, 600_000]) {
    const shares = play({ tiles: 1, tileMs: 300_000, expectedMs }).map(({ share }) => share);
    assert.ok((shares[400] ?? 0) > 0.1, `${expectedMs}`);
    // At five times what was expected it stands at 99 %.
    for (const [k, share] of shares.entries()) {
      assert.ok(k === 0 || share > (shares[k - 1] ?? 1) || share === 0.99, `${k}`);
    }
  }
});

test("the time left does not jump: in a second it changes by 21 s at most, however wrong what was expected is", () => {
  fc.assert(
    fc.property(anyJob, (job) => {
      const etas = play(job).flatMap(({ etaS }) => etaS ?? []);
      for (const [k, eta] of etas.entries()) {
        const change = Math.abs(eta - (etas[k - 1] ?? eta));
        assert.ok(change <= (21 * tickMs) / 1000, `${etas[k - 1]} then ${eta}`);
      }
    }),
    { numRuns: 50 },
  );
});

test("where tiles take what was expected, the time left counts down to within a sixth of a tile of the truth", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 2000, max: 60_000 }), (tiles, tileMs) => {
      let before = Number.POSITIVE_INFINITY;
      for (const { etaS, leftS } of play({ tiles, tileMs, expectedMs: tileMs })) {
        assert.ok(etaS !== undefined && etaS <= before + 1e-6, `${before} then ${etaS}`);
        assert.ok(Math.abs(etaS - leftS) <= tileMs / 6000 + 1e-6, `${etaS} for ${leftS}`);
        before = etaS;
      }
    }),
    { numRuns: 50 },
  );
});

test("a tile that takes longer than expected keeps a time left", () => {
  for (const { etaS } of play({ tiles: 1, tileMs: 150_000, expectedMs: 100_000 })) {
    assert.ok(etaS !== undefined && etaS > 1, `${etaS}`);
  }
});

test("what was measured in the job outweighs a wrong expectation, and is named as what the time left rests on", () => {
  const told = play({ tiles: 10, tileMs: 20_000, expectedMs: 5000 });
  assert.equal(told[0]?.basis, "a guess");
  const late = told.at(-80);
  assert.equal(late?.basis, "the tiles of this job");
  assert.ok(Math.abs((late?.etaS ?? 0) - (late?.leftS ?? 0)) < 5, `${late?.etaS} for ${late?.leftS}`);
});

test("where nothing is known no time left is told, and progress goes by what was delivered", () => {
  const told = play({ tiles: 2, tileMs: 1000, expectedMs: undefined });
  assert.deepEqual([told[0]?.share, told[0]?.etaS], [0, undefined]);
  assert.deepEqual([told[3]?.share, told[3]?.etaS], [0, undefined]);
  assert.ok((told[5]?.share ?? 0) > 0.5);
});

test("the share of a tile rises without end and never reaches 1", () => {
  assert.deepEqual([0, 0.5, 0.85].map(tileShare), [0, 0.5, 0.85]);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 50, noNaN: true }), (time) => {
      const share = tileShare(time);
      assert.ok(share <= time && share < 1 && tileShare(time + 0.01) > share);
    }),
  );
});
