import assert from "node:assert/strict";
import { test } from "node:test";
import { refusalLines } from "../../../bin/given/refusals.ts";
import { type EdgeError, formatError } from "../../../core/errors.ts";

function incomplete(file: string, missing: string): { readonly error: EdgeError } {
  return {
    error: formatError("the set is incomplete", { code: "ome-set-incomplete", file, found: missing }),
  };
}

test("the files of one incomplete set are refused in one line, those of another in a line of their own", () => {
  const text = formatError("this is text, not an image", { code: "format-unknown", file: "d/notes.tif" });
  assert.deepEqual(
    refusalLines([
      incomplete("d/a_0.tif", "a_9.tif"),
      incomplete("d/a_1.tif", "a_9.tif"),
      { error: text },
      incomplete("d/a_2.tif", "a_9.tif"),
      incomplete("d/b_0.tif", "b_9.tif"),
      incomplete("e/a_0.tif", "a_9.tif"),
      incomplete("e/a_1.tif", "a_9.tif"),
    ]),
    [
      "d/a_0.tif: the set is incomplete (found a_9.tif). The same holds for 2 other files of this set",
      "d/notes.tif: this is text, not an image",
      "d/b_0.tif: the set is incomplete (found b_9.tif)",
      "e/a_0.tif: the set is incomplete (found a_9.tif). The same holds for 1 other file of this set",
    ],
  );
});
