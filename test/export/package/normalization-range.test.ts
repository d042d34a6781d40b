import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { parse, stringify } from "yaml";
import { isEdgeError } from "../../../core/errors.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { runHere } from "../../commands/run-command.ts";

const scratch = mkdtempSync(join(tmpdir(), "normalization-range-"));
after(() => rmSync(scratch, { recursive: true }));

const identity = resolve(import.meta.dirname, "../../../models/identity");

for (const normalization of [
  { kind: "fixed", low: 4096, high: 0, clip: true },
  { kind: "fixed", low: 5, high: 5, clip: true },
  { kind: "percentile", low: 99.5, high: 1.5, clip: true },
  { kind: "percentile", low: 50, high: 50, clip: true },
]) {
  const { kind, low, high } = normalization;
  test(`a package that scales by ${kind} ${low} to ${high} is refused where it says so`, async () => {
    const dir = mkdtempSync(join(scratch, "package-"));
    cpSync(identity, dir, { recursive: true });
    const file = join(dir, "rdf.yaml");
    const rdf = parse(readFileSync(file, "utf8")) as { config: { cnnt_edge: { normalization: unknown } } };
    rdf.config.cnnt_edge.normalization = normalization;
    writeFileSync(file, stringify(rdf));
    await assert.rejects(readPackage(dir), (error) => {
      assert.ok(isEdgeError(error, "package-rdf-schema"), String(error));
      assert.match(error.at ?? "", /normalization/);
      assert.match(error.found ?? "", /low must be below high/);
      return true;
    });
  });
}

test("--normalization takes no range that a package may not have", async () => {
  for (const stated of ["fixed:5,5", "fixed:4096,0", "percentile:1,200", "percentile:-1,99", "fixed:0"]) {
    const result = await runHere(["export", "weights.pt", "--out", "x", "--normalization", stated]);
    assert.equal(result.code, 2, stated);
    assert.match(result.stderr, /--normalization/);
  }
});
