import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { markEarlier } from "../../../watcher/folder-io/mark-earlier.ts";
import { newerResultIn } from "../../../watcher/folder-io/supersede-result.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { beforeEachCall } from "./before-each-call.ts";
import { writeResult } from "./written-result.ts";

const ending = ".superseded.json";
const [first, second, third] = [
  "a.denoised.ome.tif",
  "a.r2.denoised.ome.tif",
  "a.r3.denoised.ome.tif",
] as const;
const others = ["a.r4.denoised.ome.tif", "a.r5.denoised.ome.tif", "a.r6.denoised.ome.tif"];

function stated(source: string, series: string, sha256: string) {
  return [
    ["Source file", source],
    ["Source series", series],
    ["Source sha256", sha256],
  ] as const;
}

const markOf = (newer: string): string => JSON.stringify({ superseded_by: { result: newer } });

/**
 * Three results of a source, the first two marked with the third, of which the second is that of the content that lies there
 * now; and results that are none of this image, the last by another program. `anew`: the third was removed and the others marked with it.
 */
async function results(anew = false) {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder, name);
  for (const [index, name] of [first, second, third].entries()) {
    if (anew && name === third) continue;
    await writeResult(at(name), String(index).repeat(16), stated("a.tif", "0", `hash ${index}`));
  }
  await writeResult(at(others[0] ?? ""), "b".repeat(16), stated("a.ome.tif", "0", "hash b"));
  await writeResult(at(others[1] ?? ""), "c".repeat(16), stated("a.tif", "1", "hash c"));
  await writeFile(at(others[2] ?? ""), "another program's");
  for (const name of [first, second]) await writeFile(at(name + ending), markOf(third));
  /** The names of all marks, with the results that they name. */
  const marks = async (): Promise<Record<string, string>> => {
    const names = (await readdir(folder)).filter((name) => name.endsWith(ending)).sort();
    const texts = await Promise.all(names.map((name) => readFile(at(name), "utf8")));
    return Object.fromEntries(
      names.map((name, i) => [name.slice(0, -ending.length), newerResultIn(texts[i] ?? "") ?? "?"]),
    );
  };
  return { folder, marks, mark: () => markEarlier({ output: at(second), anew }, {}) };
}

test("all results of a source but that of the content that lies there are marked with it, and no other source's", async () => {
  const { marks, mark } = await results();
  // The first names a result that stands, and is not asked to be marked anew.
  await mark();
  assert.deepEqual(await marks(), { [first]: third, [third]: second });
  const other = await results(true);
  await other.mark();
  assert.deepEqual(await other.marks(), { [first]: second });
});

/** They change nothing: killed before one of them, it leaves the same as before the call that follows. */
const looks: ReadonlySet<string> = new Set(["lstat", "stat", "opendir", "readdir"]);

for (const anew of [false, true]) {
  test(`killed before any of its calls, it ends in the same way the next time, and each mark is whole meanwhile (${anew ? "marks anew" : "marks what has no mark"})`, async () => {
    const calm = await results(anew);
    await calm.mark();
    const wanted = await calm.marks();
    const names = (await readdir(calm.folder)).sort();
    let isOver = false;
    let kills = 0;
    for (let killedAt = 1; !isOver; killedAt += 1) {
      const { folder, marks, mark } = await results(anew);
      let calls = 0;
      const restore = beforeEachCall(({ name }) => {
        if (looks.has(name)) return;
        calls += 1;
        if (calls >= killedAt) throw new Error("killed");
      });
      await mark().catch(() => undefined);
      restore();
      isOver = calls < killedAt;
      kills += 1;
      const between = Object.values(await marks());
      assert.ok(
        between.every((name) => name === second || name === third),
        `killed before call ${killedAt}: ${between}`,
      );
      await mark();
      assert.deepEqual(await marks(), wanted, `killed before call ${killedAt}`);
      const left = (await readdir(folder)).filter((name) => !name.startsWith("."));
      assert.deepEqual(
        left.sort(),
        names.filter((name) => !name.startsWith(".")),
      );
    }
    assert.ok(kills > 5, `${kills} calls`);
  });
}
