import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeError, formatError } from "../../core/errors.ts";
import { withoutOwnName } from "../../core/own-name.ts";

test("a sentence about a file loses the file's name before it, with or without the folders above", () => {
  assert.equal(withoutOwnName("cut.tif: the file is empty", "cut.tif"), "the file is empty");
  assert.equal(
    withoutOwnName("/data/in/sub/cut.tif: it is cut (at byte 9)", "sub/cut.tif"),
    "it is cut (at byte 9)",
  );
});

test("a sentence that names another file, or none before it, stays as it is", () => {
  for (const sentence of [
    "it is cut",
    "/data/in/other.tif: it is cut",
    "/data/in/uncut.tif: it is cut",
    "the member /data/in/cut.tif: it is cut",
    "not like cut.tif: it is cut",
  ]) {
    assert.equal(withoutOwnName(sentence, "cut.tif"), sentence);
  }
});

test("whatever a file is called, the sentence of its error stays whole without the name", () => {
  const name = fc.string({ minLength: 1, maxLength: 12 }).filter((one) => !one.startsWith("/"));
  fc.assert(
    fc.property(name, (source) => {
      const error = formatError("it is cut", { code: "cut", file: `/data/in/${source}` });
      assert.equal(withoutOwnName(describeError(error), source), "it is cut");
    }),
  );
});
