import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFile } from "../../../formats/open.ts";
import type { ScanSettings } from "../../../watcher/intake/scan.ts";
import type { OpenFile } from "../../../watcher/intake/structural-check.ts";
import { sweep } from "../../../watcher/intake/sweep.ts";
import { beforeEachCall } from "../folder-io/before-each-call.ts";
import { masterSet, setMember } from "../set-member.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { clockedScan, type ScanLedger } from "./clocked-scan.ts";

/** A scan of a new folder; its looks answer each finding in words. */
async function scanned(change: Partial<ScanSettings> = {}, ledger: ScanLedger = {}) {
  const folder = await temporaryFolder();
  const look = clockedScan(folder, { excluded: [join(folder, "out")], ...change }, ledger);
  const looks = async (count: number): Promise<string[]> =>
    (await look(count)).map(
      (finding) =>
        `${finding.kind} ${"source" in finding ? finding.source : finding.sighting.source}${"of" in finding ? ` of ${finding.of}` : ""}`,
    );
  return { folder, looks };
}

test("a file is told once, when it is at rest and whole", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif"), tinyTiff(7));
  assert.deepEqual(await looks(2), []);
  assert.deepEqual(await looks(3), ["whole a.tif"]);
  assert.deepEqual(await looks(5), []);
});

test("a file that grows is not told before it has stopped", async () => {
  const { folder, looks } = await scanned();
  const whole = tinyTiff(7);
  for (let bytes = 20; bytes < whole.length; bytes += 40) {
    await writeFile(join(folder, "a.tif"), whole.subarray(0, bytes));
    assert.deepEqual(await looks(1), []);
  }
  await writeFile(join(folder, "a.tif"), whole);
  assert.deepEqual(await looks(3), ["whole a.tif"]);
});

test("a copy that pauses is broken, then whole", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif"), tinyTiff(7).subarray(0, 100));
  assert.deepEqual(await looks(6), ["broken a.tif"]);
  await writeFile(join(folder, "a.tif"), tinyTiff(7));
  assert.deepEqual(await looks(6), ["whole a.tif"]);
});

test("a file that stays broken is refused after the stated time, and not told again", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif"), tinyTiff(7).subarray(0, 100));
  assert.deepEqual(await looks(60), ["broken a.tif", "refused a.tif"]);
});

test("reserved space is not taken for an image; a dark image is, after a while", async () => {
  const { folder, looks } = await scanned({ zeroTailMs: 10_000 });
  await writeFile(join(folder, "a.tif"), tinyTiff(0));
  assert.deepEqual(await looks(8), ["broken a.tif"]);
  assert.deepEqual(await looks(10), ["whole a.tif"]);
});

test("a stack that is filled backwards is not taken while planes of it are zeros; one that stays so is, after a while", async () => {
  const { folder, looks } = await scanned({ zeroTailMs: 10_000 });
  const file = join(folder, "a.tif");
  await writeFile(file, tinyTiff(0, 0, 0, 4, 5, 6));
  assert.deepEqual(await looks(8), ["broken a.tif"]);
  await writeFile(file, tinyTiff(1, 2, 3, 4, 5, 6));
  assert.deepEqual(await looks(6), ["whole a.tif"]);
  await writeFile(join(folder, "b.tif"), tinyTiff(1, 0, 3, 4, 5, 6));
  assert.deepEqual(await looks(8), ["broken b.tif"]);
  assert.deepEqual(await looks(10), ["whole b.tif"]);
});

test("a container that we do not read is refused at once", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.czi"), "not read");
  assert.deepEqual(await looks(4), ["refused a.czi"]);
});

test("a broken file that is removed is told as gone", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif"), "");
  await looks(4);
  await rm(join(folder, "a.tif"));
  assert.deepEqual(await looks(1), ["gone a.tif"]);
});

test("a temporary name is not looked at; the rename at the end is", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif.partial"), tinyTiff(1));
  assert.deepEqual(await looks(5), []);
  await rename(join(folder, "a.tif.partial"), join(folder, "a.tif"));
  assert.deepEqual(await looks(3), ["whole a.tif"]);
});

test("results inside the watch folder are not input", async () => {
  const { folder, looks } = await scanned();
  await mkdir(join(folder, "out"));
  await writeFile(join(folder, "out", "anything.tif"), tinyTiff(1));
  await writeFile(join(folder, "a.denoised.ome.tif"), tinyTiff(1));
  assert.deepEqual(await looks(5), []);
});

test("subfolders are looked into, links to folders are not", async () => {
  const { folder, looks } = await scanned();
  await mkdir(join(folder, "day", "one"), { recursive: true });
  await symlink(folder, join(folder, "day", "loop"));
  await writeFile(join(folder, "day", "one", "a.tif"), tinyTiff(1));
  assert.deepEqual(await looks(4), ["whole day/one/a.tif"]);
});

test("what the ledger knows is not looked into again", async () => {
  const known = [{ source: "a.tif", sizeBytes: tinyTiff(1).length, mtimeMs: 1_000_000 }];
  const opened: string[] = [];
  const open: OpenFile = (file, reading) => {
    opened.push(file);
    return openFile(file, reading);
  };
  const { folder, looks } = await scanned({ open }, { known });
  const path = join(folder, "a.tif");
  await writeFile(path, tinyTiff(1));
  await utimes(path, 1000, 1000);
  assert.deepEqual(await looks(5), []);
  assert.deepEqual(opened, []);
});

test("a file replaced under its name is told again", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif"), tinyTiff(1));
  assert.deepEqual(await looks(4), ["whole a.tif"]);
  await copyFile(join(folder, "a.tif"), join(folder, ".b"));
  await truncate(join(folder, "a.tif"), 10);
  assert.deepEqual(await looks(1), []);
  await rename(join(folder, ".b"), join(folder, "a.tif"));
  assert.deepEqual(await looks(4), ["whole a.tif"]);
});

const companionSet = join(import.meta.dirname, "../../fixtures/tiff/series/ome-companion");

test("a companion's set is told once, as the companion, whatever comes first; its files are parts", async () => {
  const { folder, looks } = await scanned();
  const [companion = "", ...planes] = (await readdir(companionSet)).sort().reverse();
  for (const name of planes) await copyFile(join(companionSet, name), join(folder, name));
  assert.deepEqual(await looks(6), [`broken ${companion}`]);
  await copyFile(join(companionSet, companion), join(folder, companion));
  assert.deepEqual(
    (await looks(20)).sort(),
    [...planes.map((name) => `part ${name} of ${companion}`), `whole ${companion}`].sort(),
  );
});

test("where one file describes a set, it tells of it, although another is first by name", async () => {
  const { folder, looks } = await scanned();
  for (const [name, bytes] of masterSet()) await writeFile(join(folder, name), bytes);
  assert.deepEqual(await looks(6), [
    "part a.ome.tif of m.ome.tif",
    "whole m.ome.tif",
    "part z.ome.tif of m.ome.tif",
  ]);
  await rm(join(folder, "m.ome.tif"));
  await utimes(join(folder, "a.ome.tif"), 1, 1);
  assert.deepEqual(await looks(6), ["broken m.ome.tif"]);
});

test("a link that leads nowhere is broken, and whole once its target is there", async () => {
  const { folder, looks } = await scanned();
  const target = join(await temporaryFolder(), "raw.tif");
  await symlink(target, join(folder, "a.tif"));
  assert.deepEqual(await looks(6), ["broken a.tif"]);
  await writeFile(target, tinyTiff(7));
  assert.deepEqual(await looks(6), ["whole a.tif"]);
});

test("a link that still leads nowhere after the stated time is refused, and so is one that leads in a circle", async () => {
  const { folder, looks } = await scanned();
  await symlink("nowhere.tif", join(folder, "a.tif"));
  await symlink("b.tif", join(folder, "b.tif"));
  assert.deepEqual(await looks(45), ["broken a.tif", "broken b.tif", "refused a.tif", "refused b.tif"]);
  assert.deepEqual(await looks(10), []);
});

test("a link whose target goes after it was done is no fault", async () => {
  const { folder, looks } = await scanned();
  const target = join(await temporaryFolder(), "raw.tif");
  await writeFile(target, tinyTiff(7));
  await symlink(target, join(folder, "a.tif"));
  assert.deepEqual(await looks(6), ["whole a.tif"]);
  await rm(target);
  assert.deepEqual(await looks(40), []);
});

test("a pipe and a device under an image's name are refused at once and never read", async () => {
  const { folder, looks } = await scanned();
  execFileSync("mkfifo", [join(folder, "a.tif")]);
  await symlink("/dev/zero", join(folder, "b.tif"));
  assert.deepEqual(await looks(4), ["refused a.tif", "refused b.tif"]);
  assert.deepEqual(await looks(10), []);
});

test("later files of a set that came first wait in the name of the first, and are told as parts once the set is whole", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "S_2.ome.tif"), setMember(2, 3));
  await writeFile(join(folder, "S_1.ome.tif"), setMember(1, 3));
  assert.deepEqual(await looks(5), ["broken S_0.ome.tif"]);
  await writeFile(join(folder, "S_0.ome.tif"), setMember(0, 3));
  assert.deepEqual((await looks(20)).sort(), [
    "part S_1.ome.tif of S_0.ome.tif",
    "part S_2.ome.tif of S_0.ome.tif",
    "whole S_0.ome.tif",
  ]);
  assert.deepEqual(await looks(20), []);
});

test("a file that was last changed before 1970 is taken", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "a.tif"), tinyTiff(1));
  // As a number it would mean now.
  const before1970 = new Date("1969-12-31T23:00:00.500Z");
  await utimes(join(folder, "a.tif"), before1970, before1970);
  assert.deepEqual(await looks(5), ["whole a.tif"]);
});

test("a name that is not UTF-8 and one that looks like what is shown of it do not block each other", async () => {
  const { folder, looks } = await scanned();
  const latin1 = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from("\u00fc.tif", "latin1")]);
  await writeFile(latin1, tinyTiff(1).subarray(0, 100));
  await writeFile(join(folder, "\\xfc.tif"), tinyTiff(1));
  assert.deepEqual((await looks(5)).sort(), ["refused $'\\xfc.tif'", "whole \\xfc.tif"]);
  assert.deepEqual(await looks(5), []);
});

test("what waited before a restart and has gone meanwhile is told as gone, once", async () => {
  const waiting = ["moved.tif", "still.tif"].map((source) => ({ source, members: [source] }));
  const { folder, looks } = await scanned({}, { waiting });
  await writeFile(join(folder, "still.tif"), tinyTiff(7));
  assert.deepEqual(await looks(6), ["gone moved.tif", "whole still.tif"]);
  assert.deepEqual(await looks(3), []);
});

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

for (const code of ["EACCES", "EIO", "ESTALE", "EMFILE"]) {
  for (const call of ["readdir", "stat"]) {
    test(`a file has not left while ${call} of its subfolder or of itself fails with ${code}, and the folder says so`, async () => {
      const folder = await temporaryFolder();
      const look = clockedScan(folder);
      await mkdir(join(folder, "sub"));
      await writeFile(join(folder, "sub/a.tif"), "");
      assert.deepEqual(
        (await look(6)).map(({ kind }) => kind),
        ["broken"],
      );
      const end = beforeEachCall(({ name, paths }) => {
        if (name === call && paths[0]?.startsWith(join(folder, "sub"))) throw systemError(code);
      });
      const { files, blind, unseen } = await sweep(folder, { subfolders: true, ignore: [], excluded: [] });
      const told = await look(3).finally(end);
      assert.deepEqual([files, unseen, told], [[], ["sub/"], []]);
      assert.ok(blind?.error.message.startsWith(join(folder, "sub")), blind?.error.message);
      await writeFile(join(folder, "sub/a.tif"), tinyTiff(7));
      assert.deepEqual(
        (await look(6)).map(({ kind }) => kind),
        ["whole"],
      );
    });
  }
}

test("what a listing lacks has not left where the folder itself is gone after it", async () => {
  let isThere = true;
  const checkFolder = async (): Promise<void> => {
    if (!isThere) throw new Error("its disk is not mounted");
  };
  const { folder, looks } = await scanned({ checkFolder });
  await writeFile(join(folder, "a.tif"), tinyTiff(7).subarray(0, 100));
  assert.deepEqual(await looks(6), ["broken a.tif"]);
  await rename(join(folder, "a.tif"), join(folder, ".a"));
  isThere = false;
  await assert.rejects(looks(1), /not mounted/);
  await rename(join(folder, ".a"), join(folder, "a.tif"));
  isThere = true;
  assert.deepEqual(await looks(10), []);
});

test("a file that was gone before it could be compared is told again", async () => {
  for (const bytes of [tinyTiff(7), Buffer.from("not an image")]) {
    let isThere = false;
    const { folder, looks } = await scanned({ brokenMs: 0 }, { note: () => isThere });
    await writeFile(join(folder, "a.tif"), bytes);
    const before = await looks(5);
    isThere = true;
    const after = await looks(5);
    assert.ok(before.length > 0);
    assert.equal(after.length, 1);
  }
});
