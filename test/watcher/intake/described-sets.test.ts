import assert from "node:assert/strict";
import { cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { Finding } from "../../../watcher/intake/finding.ts";
import { buildTiff, numberedPages } from "../../formats/build-tiff.ts";
import { writeMicroManager } from "../../formats/described/micro-manager-files.ts";
import { writeNdSet } from "../../formats/described/nd-files.ts";
import { openingsOf } from "../opened-files.ts";
import { describedPlane, omeXml } from "../set-member.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { clockedScan } from "./clocked-scan.ts";

/** Writes the files of a set into a folder; answers the one that describes it. */
type WriteSet = (folder: string, times: number) => Promise<string>;

const sets: Readonly<Record<string, WriteSet>> = {
  "MetaMorph's .nd": async (folder, times) => {
    await writeNdSet(folder, "a", { timePoints: times, waves: ["GFP", "561"], stages: ["x"] });
    return "a.nd";
  },
  "Micro-Manager's planes": async (folder, times) => {
    await writeMicroManager(folder, { version: "2.0", t: times, c: 2, z: 1 });
    return "metadata.txt";
  },
  "Micro-Manager's planes (1.4)": async (folder, times) => {
    await writeMicroManager(folder, { version: "1.4", t: times, c: 2, z: 1 });
    return "metadata.txt";
  },
};

/** Of what is told of files that are there. */
const namesOf = (found: readonly Finding[]) =>
  found.flatMap((one) => ("sighting" in one ? [[one.kind, one.sighting.source]] : []));

const kinds = (found: readonly Finding[], kind: Finding["kind"]) => found.filter((one) => one.kind === kind);

for (const [name, write] of Object.entries(sets)) {
  test(`whatever the order in which its files come, a set of ${name} is told once as whole`, async () => {
    const whole = await temporaryFolder();
    const describer = await write(whole, 3);
    const files = await readdir(whole);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(files, { minLength: files.length }),
        fc.nat(8),
        async (order, pause) => {
          const folder = await temporaryFolder();
          const look = clockedScan(folder);
          const all: Finding[] = [];
          for (const file of order) {
            await cp(join(whole, file), join(folder, file));
            all.push(...(await look(pause)));
          }
          all.push(...(await look(12)));
          const told = kinds(all, "whole").map((one) => (one.kind === "whole" ? one.sighting : undefined));
          assert.deepEqual(
            told.map((one) => one?.source),
            [describer],
          );
          assert.deepEqual(told[0]?.members.map(({ source }) => source).toSorted(), files.toSorted());
          assert.deepEqual(kinds(all, "refused"), []);
        },
      ),
      { numRuns: 6 },
    );
  });

  test(`a set of ${name} that lacks a file waits with its name, is refused, and taken up when the file comes`, async () => {
    const whole = await temporaryFolder();
    const describer = await write(whole, 2);
    const folder = await temporaryFolder();
    const [last = "", ...files] = (await readdir(whole))
      .filter((file) => file !== describer)
      .toSorted()
      .toReversed();
    for (const file of [describer, ...files]) await cp(join(whole, file), join(folder, file));
    const look = clockedScan(folder);
    const all = await look(60);
    const [refused, ...others] = kinds(all, "refused");
    assert.ok(refused?.kind === "refused" && others.length === 0);
    assert.equal(refused.sighting.source, describer);
    assert.ok(refused.error.message.includes(JSON.stringify(last)), refused.error.message);
    await cp(join(whole, last), join(folder, last));
    const after = await look(12);
    assert.deepEqual(
      kinds(after, "whole").map((one) => one.kind === "whole" && one.sighting.source),
      [describer],
    );
  });

  test(`a set of ${name} whose files come for long after its description is not refused meanwhile`, async () => {
    const whole = await temporaryFolder();
    const describer = await write(whole, 3);
    const folder = await temporaryFolder();
    const look = clockedScan(folder);
    const all: Finding[] = [];
    for (const file of [describer, ...(await readdir(whole)).filter((one) => one !== describer)]) {
      await cp(join(whole, file), join(folder, file));
      all.push(...(await look(9)));
    }
    all.push(...(await look(12)));
    assert.deepEqual([kinds(all, "refused").length, kinds(all, "whole").length], [0, 1]);
  });

  test(`files of a set of ${name} that come before its description wait as one, in its name, and become one job`, async () => {
    const whole = await temporaryFolder();
    const describer = await write(whole, 3);
    const files = (await readdir(whole)).filter((file) => file !== describer);
    const folder = await temporaryFolder();
    const look = clockedScan(folder);
    const before: Finding[] = [];
    for (const file of files) {
      await cp(join(whole, file), join(folder, file));
      before.push(...(await look(9)));
    }
    assert.deepEqual(namesOf(before), [["broken", describer]]);
    await cp(join(whole, describer), join(folder, describer));
    const after = await look(12);
    assert.deepEqual(namesOf(after), [["whole", describer]]);
    assert.deepEqual(kinds(after, "gone"), []);
  });

  test(`files of a set of ${name} without its description are refused as one, known after a restart, and gone as one`, async () => {
    const folder = await temporaryFolder();
    const describer = await write(folder, 3);
    await rm(join(folder, describer));
    const files = await readdir(folder);
    const first = clockedScan(folder);
    const [broken, ...others] = await first(6).then((found) => kinds(found, "broken"));
    assert.ok(broken?.kind === "broken" && others.length === 0);
    const waiting = [{ source: describer, members: broken.sighting.members.map(({ source }) => source) }];
    // A daemon that is started again while they wait, and one that finds that they have gone.
    assert.deepEqual(namesOf(await clockedScan(folder, {}, { waiting })(6)), [["broken", describer]]);
    const [refused, ...more] = kinds(await first(60), "refused");
    assert.ok(refused?.kind === "refused" && more.length === 0);
    assert.equal(refused.sighting.source, describer);
    assert.deepEqual(refused.sighting.members.map(({ source }) => source).toSorted(), files.toSorted());
    const known = refused.sighting.members.map(({ source, look, hashes }) => ({ source, ...look, hashes }));
    assert.deepEqual(await clockedScan(folder, {}, { known })(60), []);
    const third = clockedScan(folder, {}, { waiting });
    await third(6);
    for (const file of files) await rm(join(folder, file));
    assert.deepEqual(await third(3), [{ kind: "gone", source: describer }]);
    assert.deepEqual(await clockedScan(folder, {}, { waiting })(3), [{ kind: "gone", source: describer }]);
  });

  test(`each file of a set of ${name} is opened twice at most and hashed once, however many they are`, async () => {
    for (const times of [10, 40]) {
      const folder = await temporaryFolder();
      await mkdir(join(folder, "in"));
      await write(join(folder, "in"), times);
      const files = (await readdir(join(folder, "in"))).length;
      const look = clockedScan(folder);
      let found: Finding[] = [];
      const openings = await openingsOf(folder, async () => {
        found = await look(10);
      });
      assert.equal(kinds(found, "whole").length, 1);
      // Of the planes eight are looked at.
      assert.ok(openings.images <= 2 * files + 8, JSON.stringify(openings));
      assert.ok(openings.hashes <= files, JSON.stringify(openings));
    }
  });
}

test("a description that comes under another name than was awaited ends the wait under that name", async () => {
  const folder = await temporaryFolder();
  await writeNdSet(folder, "a", { timePoints: 2, waves: ["GFP"] });
  await rename(join(folder, "a.nd"), join(folder, ".nd"));
  const look = clockedScan(folder);
  assert.deepEqual(namesOf(await look(6)), [["broken", "a.nd"]]);
  await rename(join(folder, ".nd"), join(folder, "a.ND"));
  const found = await look(20);
  assert.deepEqual(namesOf(found), [["whole", "a.ND"]]);
  const ended = found.filter((one) => one.kind === "part" && one.source === "a.nd");
  assert.deepEqual(ended, [{ kind: "part", source: "a.nd", of: "a.ND" }]);
});

test("a file that names a description that cannot lie beside it waits and is refused in its own name", async () => {
  const folder = await temporaryFolder();
  for (const described of ["../x.companion.ome", "sub/x.companion.ome", `${"x".repeat(300)}.companion.ome`]) {
    const stub = `<BinaryOnly MetadataFile="${described}" UUID="urn:uuid:x"/>`;
    await writeFile(join(folder, "a.ome.tif"), describedPlane(0, omeXml("a", stub)));
    assert.deepEqual(
      namesOf(await clockedScan(folder)(40)).filter(([, source]) => source === "a.ome.tif"),
      [
        ["broken", "a.ome.tif"],
        ["refused", "a.ome.tif"],
      ],
      described,
    );
  }
});

test("another program's metadata.txt is no image, and planes without theirs wait for it", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "metadata.txt"), "notes");
  await writeFile(join(folder, "a.tif"), buildTiff(numberedPages(1, 4, 3, 1)));
  await writeMicroManager(join(folder, "Pos0"), { version: "2.0", t: 1, c: 1, z: 1 });
  await rm(join(folder, "Pos0/metadata.txt"));
  const found = await clockedScan(folder)(40);
  assert.deepEqual(namesOf(found), [
    ["whole", "a.tif"],
    ["broken", "Pos0/metadata.txt"],
    ["refused", "Pos0/metadata.txt"],
  ]);
});
