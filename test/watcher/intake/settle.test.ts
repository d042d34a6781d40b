import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Look, nextLookMs, observe, unrest, type Watched } from "../../../watcher/intake/settle.ts";

const rule = { quietMs: 2000, looks: 3 };

function after(looks: readonly Look[]): Watched {
  const [first, ...rest] = looks;
  assert.ok(first);
  return rest.reduce<Watched>((watched, look) => observe(watched, look), observe(undefined, first));
}

const look = (atMs: number, sizeBytes = 10, mtimeMs = 1): Look => ({ atMs, sizeBytes, mtimeMs });

test("a file is at rest after the stated time and the stated number of looks", () => {
  assert.equal(unrest(after([look(0), look(1000), look(2000)]), rule), undefined);
});

test("time alone is not enough: two looks say nothing about what lay between", () => {
  assert.equal(unrest(after([look(0), look(5000)]), rule), "unchanged for 5.0 s of 2.0 s, 2 looks of 3");
});

test("looks alone are not enough: a writer may pause", () => {
  assert.equal(
    unrest(after([look(0), look(1), look(2)]), rule),
    "unchanged for 0.0 s of 2.0 s, 3 looks of 3",
  );
});

test("a growing file starts anew with each look", () => {
  assert.equal(
    unrest(after([look(0), look(1000), look(9000, 11)]), rule),
    "it appeared or changed a moment ago",
  );
});

test("a file of reserved size starts anew when only its time of change moves", () => {
  assert.notEqual(
    unrest(after([look(0), look(2000), look(4000, 10, 2), look(5000, 10, 2)]), rule),
    undefined,
  );
});

test("no file is at rest that changed within the quiet time, whatever the looks", () => {
  const looks = fc.array(
    fc.record({
      stepMs: fc.integer({ min: 1, max: 3000 }),
      sizeBytes: fc.integer({ min: 0, max: 2 }),
      mtimeMs: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(looks, (steps) => {
      let atMs = 0;
      const seen = steps.map(({ stepMs, sizeBytes, mtimeMs }) => {
        atMs += stepMs;
        return { atMs, sizeBytes, mtimeMs };
      });
      const last = seen.at(-1);
      assert.ok(last);
      const same = (one: Look): boolean => one.sizeBytes === last.sizeBytes && one.mtimeMs === last.mtimeMs;
      const lastOther = seen.findLastIndex((one) => !same(one));
      const run = seen.slice(lastOther + 1);
      const quietMs = last.atMs - (run[0]?.atMs ?? 0);
      const settled = quietMs >= rule.quietMs && run.length >= rule.looks;
      assert.equal(unrest(after(seen), rule) === undefined, settled);
    }),
  );
});

test("a file that is looked at when it is asked for is at rest after the quiet time, with as many looks as the rule wants", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 2, max: 100 }), (quietMs, looks) => {
      const seen = [look(0)];
      let nextMs = nextLookMs(after(seen), { quietMs, looks });
      for (let atMs = 0; nextMs !== undefined; nextMs = nextLookMs(after(seen), { quietMs, looks })) {
        atMs += nextMs;
        seen.push(look(atMs));
      }
      // One more where the sum of the times is rounded down.
      assert.ok(seen.length === looks || seen.length === looks + 1);
      assert.ok(Math.abs((seen.at(-1)?.atMs ?? 0) - quietMs) < 1e-6);
    }),
  );
});
