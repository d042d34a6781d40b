import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openFile } from "../../../formats/open.ts";
import { createScan, type Finding, type ScanSettings } from "../../../watcher/intake/scan.ts";
import type { KnownFile } from "../../../watcher/intake/seen-files.ts";
import { masterSet, setMember } from "../set-member.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { withoutRoot } from "../without-root.ts";

/** A scan with a clock of its own: each look comes a second after the one before. */
async function scanned(
  change: Partial<ScanSettings> = {},
  known: readonly KnownFile[] = [],
  waiting: readonly string[] = [],
) {
  const folder = await temporaryFolder();
  let nowMs = 0;
  const settings = {
    folder,
    quietMs: 2000,
    looks: 3,
    zeroTailMs: 60_000,
    brokenMs: 30_000,
    subfolders: true,
    ignore: [],
    excluded: [join(folder, "out")],
    open: openFile,
    now: () => nowMs,
    ...change,
  };
  const scan = createScan(settings, known, waiting);
  const looks = async (count: number): Promise<string[]> => {
    const told: Finding[] = [];
    for (let index = 0; index < count; index += 1) {
      nowMs += 1000;
      await scan.look(async (finding) => void told.push(finding));
    }
    return told.map(
      (finding) =>
        `${finding.kind} ${"source" in finding ? finding.source : finding.sighting.source}${"of" in finding ? ` of ${finding.of}` : ""}`,
    );
  };
  return { folder, looks, settings };
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
  const first = await scanned();
  const path = join(first.folder, "a.tif");
  await writeFile(path, tinyTiff(1));
  await utimes(path, 1000, 1000);
  const known = [{ source: "a.tif", sizeBytes: tinyTiff(1).length, mtimeMs: 1_000_000 }];
  const opened: string[] = [];
  const scan = createScan(
    {
      ...first.settings,
      open: (file) => {
        opened.push(file);
        return openFile(file);
      },
    },
    known,
    [],
  );
  for (let look = 0; look < 5; look += 1) await scan.look(async () => assert.fail("told"));
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
  const alone = await looks(6);
  assert.deepEqual(
    alone,
    planes.sort().map((name) => `broken ${name}`),
  );
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
  assert.deepEqual(await looks(6), ["broken a.ome.tif"]);
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

test("a later file of a set that came first waits, and is told as a part once the set is whole", async () => {
  const { folder, looks } = await scanned();
  await writeFile(join(folder, "S_2.ome.tif"), setMember(2, 3));
  await writeFile(join(folder, "S_1.ome.tif"), setMember(1, 3));
  assert.deepEqual((await looks(5)).sort(), ["broken S_1.ome.tif", "broken S_2.ome.tif"]);
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
  const { folder, looks } = await scanned({}, [], ["moved.tif", "still.tif"]);
  await writeFile(join(folder, "still.tif"), tinyTiff(7));
  assert.deepEqual(await looks(6), ["gone moved.tif", "whole still.tif"]);
  assert.deepEqual(await looks(3), []);
});

test("a file of a subfolder that may not be read for a while has not left: it is told once it is whole", async (t) => {
  const { folder, looks } = await scanned();
  await mkdir(join(folder, "sub"));
  await chmod(folder, 0o777);
  const file = join(folder, "sub/a.tif");
  await writeFile(file, tinyTiff(7).subarray(0, 100));
  assert.deepEqual(await looks(6), ["broken sub/a.tif"]);
  for (const mode of [0o000, 0o444]) {
    await chmod(join(folder, "sub"), mode);
    await t.test(`mode ${mode.toString(8)}`, async (inner) => {
      withoutRoot(inner);
      assert.deepEqual(await looks(3), []);
    });
  }
  await chmod(join(folder, "sub"), 0o755);
  await writeFile(file, tinyTiff(7));
  assert.deepEqual(await looks(6), ["whole sub/a.tif"]);
  await rm(file);
  assert.deepEqual(await looks(1), []);
});
