import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { steeringCodes } from "../../core/errors.ts";

const root = resolve(import.meta.dirname, "../..");
const folders = [
  "bin",
  "bundle",
  "calibration",
  "container",
  "core",
  "export",
  "formats",
  "runtime",
  "watcher",
];

test("each code by which the product decides is given to some error, and is decided by somewhere else", () => {
  const texts = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && entry.name !== "errors.ts")
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
  const given = new Set(
    texts
      .flatMap((text) => text.match(/\bcode(:| =) [^\n]+/g) ?? [])
      .flatMap((line) => [...line.matchAll(/"([a-z-]+)"/g)].map((hit) => hit[1])),
  );
  assert.ok(given.size > 100, `${given.size} codes were found`);
  const notGiven = steeringCodes.filter((code) => !given.has(code));
  assert.deepEqual(notGiven, []);
  const asked = steeringCodes.filter(
    (code) => !texts.some((text) => new RegExp(`(?<!code(:| =)[^\\n]*)"${code}"`).test(text)),
  );
  assert.deepEqual(asked, []);
  const compared = texts.flatMap((text) =>
    [...text.matchAll(/isEdgeError\([^,)]+, "([a-z-]+)"/g)].map((hit) => hit[1] ?? ""),
  );
  assert.ok(compared.length > 5, `${compared.length} comparisons were found`);
  const known: ReadonlySet<string> = new Set(steeringCodes);
  assert.deepEqual(
    compared.filter((code) => !known.has(code)),
    [],
  );
});
