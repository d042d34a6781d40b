import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { formatError } from "../../../core/errors.ts";
import { createJudgedSets } from "../../../watcher/intake/judged-sets.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test("a set that lacks a file is not read again, also where another of its files is there under a name that is not listed", async () => {
  const path = await temporaryFolder();
  await writeFile(join(path, "notes.txt"), "");
  const look = { sizeBytes: 1, mtimeMs: 1, ctimeMs: 1 };
  const sets = createJudgedSets(
    {
      path,
      lookOf: (source) => (source === "a.tif" ? look : undefined),
      waitOf: (source) => (source === "a.tif" ? { quietMs: 9000, isAtRest: true } : undefined),
    },
    1000,
  );
  const refusal = formatError("a file is missing", { code: "ome-set-incomplete" });
  const members = ["notes.txt", "missing.tif", "a.tif"];
  const set = sets.remember({ readFrom: "a.tif", members, found: { refusal }, readMs: 0 });
  sets.relisted();
  assert.equal(await sets.held("a.tif", 60_000), set);
  await writeFile(join(path, "missing.tif"), "");
  sets.relisted();
  assert.equal(await sets.held("a.tif", 60_000), undefined);
});
