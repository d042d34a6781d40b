import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Finding } from "../../../watcher/intake/finding.ts";
import { buildTiff, numberedPages } from "../../formats/build-tiff.ts";
import { openingsOf } from "../opened-files.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { clockedScan } from "./clocked-scan.ts";

const template = "{name}_T{t}_C{c}.tif";
const stated = (t: number, c: number) => ({ pattern: { template, sizes: { t, c } } });
const unstated = { pattern: { template } };

function namesOf(times: number, channels: number, name = "a"): string[] {
  return Array.from(
    { length: times * channels },
    (_, i) => `${name}_T${Math.floor(i / channels)}_C${i % channels}.tif`,
  );
}

/** Other samples in each file. */
async function write(folder: string, names: readonly string[], first = 1): Promise<void> {
  for (const [index, name] of names.entries())
    await writeFile(join(folder, name), buildTiff(numberedPages(1, 4, 3, first + index)));
}

const told = (findings: readonly Finding[], kind: Finding["kind"]) =>
  findings.filter((finding) => finding.kind === kind);

function membersTold(findings: readonly Finding[]): string[][] {
  return findings.flatMap((finding) =>
    finding.kind === "whole" ? [finding.sighting.members.map(({ source }) => source)] : [],
  );
}

test("whatever the order in which files come, they are one acquisition and none of them is one alone", async () => {
  const names = namesOf(3, 2);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(names, { minLength: 6 }),
      fc.integer({ min: 0, max: 9 }),
      async (order, pause) => {
        const folder = await temporaryFolder();
        const look = clockedScan(folder, stated(3, 2));
        const all: Finding[] = [];
        for (const [index, name] of order.entries()) {
          await write(folder, [name], index + 1);
          all.push(...(await look(pause)));
        }
        all.push(...(await look(12)));
        assert.deepEqual(membersTold(all), [names]);
        assert.deepEqual(told(all, "refused"), []);
        // Each of the others ends as a part of it.
        const parts = all.flatMap((one) => (one.kind === "part" && one.of === names[0] ? [one.source] : []));
        assert.deepEqual([...new Set(parts)].sort(), names.slice(1).sort());
      },
    ),
    { numRuns: 8 },
  );
});

test("without stated sizes a full rectangle is taken only after the quiet time of sets", async () => {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, { ...unstated, setQuietMs: 40_000 });
  await write(folder, namesOf(1, 2));
  assert.deepEqual(membersTold(await look(35)), []);
  await write(folder, ["a_T1_C0.tif", "a_T1_C1.tif"], 5);
  const meanwhile = await look(39);
  assert.deepEqual(membersTold(meanwhile), []);
  assert.deepEqual(told(meanwhile, "refused"), []);
  assert.deepEqual(membersTold(await look(10)), [namesOf(2, 2)]);
});

test("an acquisition with a hole is refused with what is missing after the time for sets, and taken up when it comes", async () => {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, unstated);
  const names = namesOf(3, 2);
  await write(folder, names.toSpliced(3, 1));
  const waited = await look(29);
  const [broken] = told(waited, "broken");
  assert.ok(broken?.kind === "broken");
  assert.equal(broken.sighting.source, names[0]);
  assert.match(broken.error.message, /no "a_T1_C1.tif"; expected 6 files/);
  assert.equal(told(waited, "broken").length, 1);
  const late = await look(10);
  assert.equal(told(late, "refused").length, 1);
  await write(folder, ["a_T1_C1.tif"], 50);
  assert.deepEqual(membersTold(await look(80)), [names]);
});

test("a file that is damaged keeps its acquisition waiting, and is named", async () => {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, stated(2, 1));
  await write(folder, ["a_T0_C0.tif"]);
  await writeFile(join(folder, "a_T1_C0.tif"), buildTiff(numberedPages(1)).subarray(0, 20));
  const found = await look(8);
  assert.deepEqual(membersTold(found), []);
  const [broken] = told(found, "broken");
  assert.ok(broken?.kind === "broken");
  assert.match(broken.error.message, /a_T1_C0.tif: /);
  await write(folder, ["a_T1_C0.tif"], 9);
  assert.deepEqual(membersTold(await look(12)), [["a_T0_C0.tif", "a_T1_C0.tif"]]);
});

test("a file that comes after all is another content of the whole acquisition", async () => {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, { ...unstated, setQuietMs: 5000 });
  await write(folder, namesOf(2, 1));
  assert.deepEqual(membersTold(await look(12)), [namesOf(2, 1)]);
  assert.deepEqual(await look(5), []);
  await write(folder, ["a_T2_C0.tif"], 30);
  assert.deepEqual(membersTold(await look(20)), [namesOf(3, 1)]);
});

test("an acquisition whose first file leaves is told by the next", async () => {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, stated(3, 1));
  await write(folder, namesOf(2, 1));
  await look(6);
  await rm(join(folder, "a_T0_C0.tif"));
  const after = await look(12);
  assert.deepEqual(
    after.flatMap((one) => (one.kind === "gone" ? [one.source] : [])),
    ["a_T0_C0.tif"],
  );
  assert.deepEqual(
    after.flatMap((one) => (one.kind === "broken" ? [one.sighting.source] : [])),
    ["a_T1_C0.tif"],
  );
});

test("positions and names are acquisitions of their own, and a file that no pattern fits is one too", async () => {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, { pattern: { template: "{name}_s{s}_t{t}.tif", sizes: { t: 2 } } });
  await write(folder, [
    "a_s1_t1.tif",
    "a_s1_t2.tif",
    "a_s2_t1.tif",
    "a_s2_t2.tif",
    "b_s1_t1.tif",
    "b_s1_t2.tif",
    "c.tif",
  ]);
  assert.deepEqual(
    membersTold(await look(8))
      .map((members) => members.length)
      .sort(),
    [1, 2, 2, 2],
  );
});

for (const count of [30, 120]) {
  test(`each of ${count} files by names is opened once for its structure and hashed once, however long they take to come`, async () => {
    const folder = await temporaryFolder();
    const names = namesOf(count, 1);
    const look = clockedScan(folder, stated(count, 1));
    const all: Finding[] = [];
    const openings = await openingsOf(folder, async () => {
      for (const [index, name] of names.toReversed().entries()) {
        await write(folder, [name], index + 1);
        all.push(...(await look(1)));
      }
      all.push(...(await look(12)));
    });
    assert.deepEqual(membersTold(all), [names]);
    // The samples of eight planes are looked at.
    assert.ok(openings.images <= count + 8, JSON.stringify(openings));
    // Beside the whole, the file that is told as waiting each time.
    assert.ok(openings.hashes <= 2 * count, JSON.stringify(openings));
  });
}
