import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { fittedName, nameLimitOf, nameLimits } from "../../../formats/file/name-limit.ts";

const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
const endings = fc.constantFrom("", ".denoised.ome.tif", ".series-3.r12.denoised.ome.tif");
const limits = fc.constantFrom(nameLimits.usual, nameLimits.smallest);

test("a name that fits stays, a longer one is shortened to what fits, with its ending and no half characters", () => {
  fc.assert(
    fc.property(names, endings, limits, (stem, ending, limit) => {
      const whole = `${stem}${ending}`;
      const fitted = fittedName(stem, ending, limit);
      if (Buffer.byteLength(whole) <= limit) return fitted === whole;
      const [, start = ""] =
        /^(.*)-[0-9a-f]{8}$/su.exec(fitted.slice(0, fitted.length - ending.length)) ?? [];
      return (
        Buffer.byteLength(fitted) <= limit &&
        fitted.endsWith(ending) &&
        stem.startsWith(start) &&
        start !== ""
      );
    }),
  );
});

test("a name is shortened the same each time, and names that differ only at their ends stay two", () => {
  fc.assert(
    fc.property(names, endings, limits, (stem, ending, limit) => {
      const long = stem.padEnd(300, "x");
      assert.equal(fittedName(`${long}1`, ending, limit), fittedName(`${long}1`, ending, limit));
      assert.notEqual(fittedName(`${long}1`, ending, limit), fittedName(`${long}2`, ending, limit));
    }),
  );
});

test("a folder's limit is a length that it takes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cnnt-name-"));
  try {
    const limit = await nameLimitOf(folder);
    await writeFile(join(folder, "a".repeat(limit)), "");
    assert.ok(limit === nameLimits.usual || limit === nameLimits.smallest);
  } finally {
    await rm(folder, { recursive: true });
  }
});
