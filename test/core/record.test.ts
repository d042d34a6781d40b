import assert from "node:assert/strict";
import { test } from "node:test";
import { present } from "../../core/record.ts";

test("only fields without a value are left out: zero, an empty text and false are values", () => {
  const fields = { zero: 0, text: "", flag: false, list: [], none: undefined, nothing: null };
  assert.deepEqual(present(fields), { zero: 0, text: "", flag: false, list: [] });
});
