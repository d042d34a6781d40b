import assert from "node:assert/strict";
import { rename, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFile } from "../../../formats/open.ts";
import type { ScanSettings } from "../../../watcher/intake/scan.ts";
import type { WrittenEnd } from "../../../watcher/intake/written-files.ts";
import { setMember } from "../set-member.ts";
import { statedTiff } from "../stated-tiff.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { clockedScan } from "./clocked-scan.ts";

/** A scan with a second between its looks that is told how the writing of each file in `ends` ended. */
async function scanned(ends: Record<string, WrittenEnd> = {}, change: Partial<ScanSettings> = {}) {
  const folder = await temporaryFolder();
  const asked: (readonly string[])[] = [];
  const look = clockedScan(folder, {
    quietMs: 3_600_000,
    writtenEnds: {
      ended: async (sources) => {
        asked.push(sources);
        return new Map(sources.flatMap((source) => (ends[source] ? [[source, ends[source]]] : [])));
      },
      holds: (source, end) => ends[source] === end,
      follow: () => undefined,
    },
    ...change,
  });
  const looks = async (count: number): Promise<string[]> =>
    (await look(count)).map(
      (finding) => `${finding.kind} ${"source" in finding ? finding.source : finding.sighting.source}`,
    );
  return { folder, looks, asked };
}

test("a file whose writer has ended, and which says how many planes it has, is taken at the first look", async () => {
  const { folder, looks } = await scanned({ "a.tif": "closed" });
  await writeFile(join(folder, "a.tif"), statedTiff(3));
  await writeFile(join(folder, "b.tif"), statedTiff(3));
  assert.deepEqual(await looks(1), ["whole a.tif"]);
  assert.deepEqual(await looks(5), []);
});

test("pages that nothing counts, and a plane on its own, have to be quiet: more may follow", async () => {
  const { folder, looks } = await scanned({ "a.tif": "closed", "b.tif": "closed" }, { quietMs: 4000 });
  await writeFile(join(folder, "a.tif"), tinyTiff(1, 2, 3));
  await writeFile(join(folder, "b.tif"), statedTiff(1));
  assert.deepEqual(await looks(4), []);
  assert.deepEqual(await looks(2), ["whole a.tif", "whole b.tif"]);
});

test("pages that were renamed into their place are taken at once; a plane on its own may be one of many files", async () => {
  const { folder, looks } = await scanned({ "a.tif": "renamed", "b.tif": "renamed" }, { quietMs: 4000 });
  await writeFile(join(folder, "a.tif"), tinyTiff(1, 2, 3));
  await writeFile(join(folder, "b.tif"), tinyTiff(1));
  assert.deepEqual(await looks(1), ["whole a.tif"]);
  assert.deepEqual(await looks(3), []);
  assert.deepEqual(await looks(1), ["whole b.tif"]);
});

test("of a file that is not whole, is empty in places or is one of a set, nothing is told before it is quiet", async () => {
  const ends = { "a.tif": "closed", "b.tif": "renamed", "c.tif": "closed", "S_0.ome.tif": "closed" } as const;
  const { folder, looks } = await scanned(ends, { zeroTailMs: 10 * 3_600_000 });
  await writeFile(join(folder, "a.tif"), statedTiff(5, { written: 3 }));
  await writeFile(join(folder, "b.tif"), tinyTiff(1, 0, 0));
  await writeFile(join(folder, "c.tif"), statedTiff(3).subarray(0, 200));
  await writeFile(join(folder, "S_0.ome.tif"), setMember(0, 2));
  assert.deepEqual(await looks(8), []);
});

test("a file is opened once for its writer's end, and not again for the quiet rule", async () => {
  const opened: string[] = [];
  const open: ScanSettings["open"] = (file, reading) => {
    opened.push(file);
    return openFile(file, reading);
  };
  const { folder, looks } = await scanned({ "a.tif": "closed" }, { quietMs: 4000, open });
  await writeFile(join(folder, "a.tif"), tinyTiff(1, 2, 3));
  assert.deepEqual(await looks(8), ["whole a.tif"]);
  assert.equal(opened.length, 1);
});

test("however many files wait, their writers are asked for together, once a look", async () => {
  const { folder, looks, asked } = await scanned();
  for (let index = 0; index < 20; index += 1) await writeFile(join(folder, `${index}.tif`), statedTiff(2));
  await looks(3);
  assert.deepEqual(
    asked.map(({ length }) => length),
    [20, 20, 20],
  );
});

test("where somebody opens the file while it is checked, it is not taken", async () => {
  const ends: Record<string, WrittenEnd> = { "a.tif": "closed" };
  const { folder, looks } = await scanned(ends, {
    open: (file, reading) => {
      delete ends["a.tif"];
      return openFile(file, reading);
    },
  });
  await writeFile(join(folder, "a.tif"), statedTiff(3));
  assert.deepEqual(await looks(3), []);
});

test("a file that was whole and is written again has to be quiet, although its writer closes it each time", async () => {
  const { folder, looks } = await scanned({ "a.tif": "closed" }, { quietMs: 4000 });
  const file = join(folder, "a.tif");
  await writeFile(file, statedTiff(3));
  assert.deepEqual(await looks(1), ["whole a.tif"]);
  await writeFile(file, statedTiff(3, { seed: 50 }));
  await utimes(file, 1000, 1000);
  assert.deepEqual(await looks(4), []);
  assert.deepEqual(await looks(3), ["whole a.tif"]);
});

test("another file that is renamed over it is taken at once", async () => {
  const ends: Record<string, WrittenEnd> = { "a.tif": "closed" };
  const { folder, looks } = await scanned(ends);
  await writeFile(join(folder, "a.tif"), statedTiff(3));
  assert.deepEqual(await looks(1), ["whole a.tif"]);
  await writeFile(join(folder, ".new"), statedTiff(4));
  await rename(join(folder, ".new"), join(folder, "a.tif"));
  ends["a.tif"] = "renamed";
  assert.deepEqual(await looks(1), ["whole a.tif"]);
});

/** Adds a page to `a.tif` every `everyS` seconds, and answers what was told after each. */
async function pageByPage(everyS: number, ends: Record<string, WrittenEnd> = {}) {
  const { folder, looks } = await scanned(ends, { quietMs: 2000 });
  const told: string[] = [];
  const pages: number[] = [];
  for (let page = 1; page <= 8; page += 1) {
    pages.push(page);
    await writeFile(join(folder, "a.tif"), tinyTiff(...pages));
    told.push((await looks(everyS)).join());
  }
  return { folder, looks, told };
}

test("a writer that adds a page every 5 s gives one result of the first page and one of all, not one a page", async () => {
  const { looks, told } = await pageByPage(5);
  assert.deepEqual(told, ["whole a.tif", "", "", "", "", "", "", ""]);
  // It has been quiet for 4 s; twice the largest time between two pages is 10 s.
  assert.deepEqual(await looks(5), []);
  assert.deepEqual(await looks(1), ["whole a.tif"]);
});

test("a writer that adds pages faster than the quiet time gives one result, also where it closes the file each time", async () => {
  const { looks, told } = await pageByPage(1, { "a.tif": "closed" });
  assert.deepEqual(
    told,
    Array.from({ length: 8 }, () => ""),
  );
  assert.deepEqual(await looks(4), ["whole a.tif"]);
});

test("a file that grows minutes after it was whole has new content, and waits no longer than another", async () => {
  const { folder, looks } = await scanned({}, { quietMs: 2000 });
  await writeFile(join(folder, "a.tif"), tinyTiff(1));
  assert.deepEqual(await looks(4), ["whole a.tif"]);
  assert.deepEqual(await looks(120), []);
  await writeFile(join(folder, "a.tif"), tinyTiff(1, 2));
  assert.deepEqual(await looks(3), ["whole a.tif"]);
});

test("a file filled backwards by a writer that opens it each time is taken once, when no plane of it is empty", async () => {
  const { folder, looks } = await scanned({ "a.tif": "closed" }, { quietMs: 2000, zeroTailMs: 30_000 });
  const planes = Array.from({ length: 12 }, () => 0);
  const told: string[] = [];
  for (let plane = planes.length - 1; plane >= 0; plane -= 1) {
    planes[plane] = plane + 1;
    await writeFile(join(folder, "a.tif"), tinyTiff(...planes));
    told.push(...(await looks(5)));
  }
  assert.deepEqual(told, ["broken a.tif", "whole a.tif"]);
});
