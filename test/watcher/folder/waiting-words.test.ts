import assert from "node:assert/strict";
import { test } from "node:test";
import { waitingWords } from "../../../watcher/folder/folder-state.ts";

const settle = {
  quiet_s: 2,
  looks: 3,
  zero_tail_s: 60,
  broken_s: 300,
  set_quiet_s: 600,
  sweep_s: 5,
  early: true,
};
const cut = { kind: "format", code: "cut", message: "/in/cut.tif: it is cut", retryable: false } as const;

test("what is said of a file that waits names it once, why it waits, and when it fails", () => {
  assert.equal(
    waitingWords("cut.tif", cut, settle),
    "cut.tif waits: it is cut; it fails after 5 min without a change",
  );
  assert.match(waitingWords("cut.tif", cut, { ...settle, broken_s: 1.5 }), /after 1\.5 s without/);
  assert.match(waitingWords("cut.tif", cut, { ...settle, broken_s: 90 }), /after 90 s without/);
});

test("a file that ends in zeros is taken after its own time, unless it fails before", () => {
  const dark = { ...cut, code: "file-zero-tail" };
  assert.match(waitingWords("cut.tif", dark, settle), /it is taken after 1 min without a change$/);
  assert.match(waitingWords("cut.tif", dark, { ...settle, zero_tail_s: 600 }), /it fails after 5 min/);
});

test("an acquisition that may grow is taken after the time for that, whatever is broken fails before", () => {
  const growing = { ...cut, code: "pattern-may-grow" };
  assert.match(waitingWords("cut.tif", growing, settle), /it is taken after 10 min without a change$/);
});
