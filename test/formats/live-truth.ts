import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { bytesOf } from "../../core/acquisition.ts";
import { openFile } from "../../formats/open.ts";
import { type PlaneReader, planesIn } from "../../formats/plane/plane-source.ts";

/** Acquisitions that real programs wrote, and what is in them: `test/fixtures/live/README.md`. */

export const liveFixtures = resolve(import.meta.dirname, "../fixtures/live");
/** More of them, of the same planes. */
const shared = resolve(import.meta.dirname, "../../../shared/live/samples");

const { sha256: truth } = JSON.parse(readFileSync(join(liveFixtures, "truth.json"), "utf8")) as {
  readonly sha256: Readonly<Record<string, string>>;
};

/** Folders of the fixtures, and of ../shared where that is here, whose name fits. */
export function liveFolders(fits: RegExp): readonly string[] {
  return [liveFixtures, ...(existsSync(shared) ? [shared] : [])].flatMap((parent) =>
    readdirSync(parent)
      .filter((name) => fits.test(name))
      .map((name) => join(parent, name)),
  );
}

/** Each plane of an image has the samples that were recorded. */
export async function assertTrue(series: PlaneReader, position = 0): Promise<void> {
  const { sizes, file } = series.acquisition;
  assert.deepEqual(sizes, { t: 3, c: 2, z: 2, y: 32, x: 32 }, file);
  for (const { t, c, z } of planesIn(sizes)) {
    const samples = await series.readPlane({ t, c, z });
    const digest = createHash("sha256").update(bytesOf(samples)).digest("hex");
    assert.equal(digest, truth[`${position}/${t}/${c}/${z}`], `${file}: t ${t}, c ${c}, z ${z}`);
  }
}

/** The only image of a folder; it is closed, and its planes can be read all the same: it holds no open file. */
export async function onlyImage(path: string): Promise<PlaneReader> {
  const opened = await openFile(path);
  await opened.close();
  const [series] = opened.series;
  assert.equal(opened.series.length, 1, path);
  assert.ok(series !== undefined);
  if ("refusal" in series) throw series.refusal;
  return series;
}
