import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isEdgeError } from "../../../core/errors.ts";
import { createLease, type Lease } from "../../../watcher/folder-io/lease.ts";
import { leaseFolderName } from "../../../watcher/folder-io/lease-file.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";
import { withoutRoot } from "../without-root.ts";
import { holderOf } from "./quick-folder.ts";

const times = { renewMs: 10_000, leftAfterMs: 60_000, confirmMs: 0 };

const isHeld = (lease: Lease): Promise<boolean> =>
  lease.hold().then(
    ({ kind }) => kind === "held",
    (error: unknown) => {
      assert.ok(isEdgeError(error, "folder-leased"), String(error));
      return false;
    },
  );

test("a folder is held by the first daemon, and the second is told which one that is and since when", async () => {
  const folder = await temporaryFolder();
  const first = createLease(folder, holderOf("one"), times, () => 0);
  assert.deepEqual(await first.hold(), { kind: "held" });
  const second = createLease(folder, holderOf("two"), times, () => 0);
  await assert.rejects(second.hold(), {
    code: "folder-leased",
    message:
      "another workstation works on the folder: instance one on host-one, since 2026-11-26T14:03:00.000Z by its clock",
  });
  await first.release();
  assert.deepEqual(await readdir(folder), []);
  assert.equal(await isHeld(second), true);
  assert.equal(await isHeld(first), false);
});

test("one that shows no sign of life for long enough by the other's own clock is taken over, whatever its clock says, and has lost the folder", async () => {
  const folder = await temporaryFolder();
  let firstMs = 7e9;
  let secondMs = 0;
  const first = createLease(folder, holderOf("one"), times, () => firstMs);
  const second = createLease(folder, holderOf("two"), times, () => secondMs);
  assert.equal(await isHeld(first), true);
  for (; secondMs < 600_000; secondMs += 20_000) {
    firstMs += 11_000;
    assert.equal(await isHeld(first), true);
    assert.equal(await isHeld(second), false);
  }
  // From here on the first one does nothing. The second looks once, and again when the time is over.
  secondMs += times.leftAfterMs - 20_001;
  assert.equal(await isHeld(second), false);
  secondMs += 1;
  // The first one may go on in this very moment: it is given the time to notice.
  assert.equal(await isHeld(second), false);
  secondMs += times.renewMs;
  assert.equal(await isHeld(second), true);
  firstMs += times.renewMs;
  assert.equal(await isHeld(first), false);
});

test("of many daemons that take a free folder at once, one holds it", async () => {
  for (let round = 0; round < 20; round += 1) {
    const folder = await temporaryFolder();
    const leases = Array.from({ length: 8 }, (_, index) =>
      createLease(folder, holderOf(String(index)), times, () => 0),
    );
    const held = await Promise.all(leases.map(isHeld));
    assert.equal(held.filter(Boolean).length, 1);
  }
});

test("never do two daemons hold a folder, however they stall, end and start, and it is never left without one for long", async () => {
  const step = fc.record({
    passMs: fc.integer({ min: 0, max: 25_000 }),
    stalled: fc.subarray([0, 1, 2]),
    ends: fc.option(fc.nat(2), { freq: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const folder = await temporaryFolder();
      let timeMs = 0;
      let starts = 0;
      const start = (index: number) => {
        starts += 1;
        const own = holderOf(String(index), { token: String(starts), daemon: `daemon ${starts}` });
        return createLease(folder, own, times, () => timeMs + index * 3.6e6);
      };
      const daemons = [0, 1, 2].map(start);
      for (const { passMs, stalled, ends } of steps) {
        timeMs += passMs;
        const awake = daemons.filter((_, index) => !stalled.includes(index));
        const held = await Promise.all(awake.map(isHeld));
        assert.ok(held.filter(Boolean).length <= 1, "two hold the folder");
        // Killed: nothing is given back. The next start of it is another daemon.
        if (ends !== null) daemons[ends] = start(ends);
      }
      for (const passMs of [0, times.leftAfterMs, times.renewMs]) {
        timeMs += passMs;
        await Promise.all(daemons.map(isHeld));
      }
      assert.equal((await Promise.all(daemons.map(isHeld))).filter(Boolean).length, 1);
    }),
    { numRuns: 40 },
  );
});

test("a daemon that is started again, and one on this machine whose process is gone, need no waiting; one that lives does", async () => {
  const folder = await temporaryFolder();
  let atMs = 0;
  const killed = createLease(folder, holderOf("one"), times, () => atMs);
  assert.equal(await isHeld(killed), true);
  const again = createLease(folder, holderOf("one", { token: "second start" }), times, () => atMs);
  assert.equal(await isHeld(again), true);
  // A copy of the machine looks the same: it takes the folder once, and they do not take it back and forth.
  atMs += times.renewMs;
  assert.deepEqual([await isHeld(killed), await isHeld(again)], [false, true]);

  const here = "this machine";
  const other = await temporaryFolder();
  const lives = createLease(other, holderOf("a", { machine: here, pid: process.pid }), times, () => 0);
  assert.equal(await isHeld(lives), true);
  const beside = createLease(other, holderOf("b", { machine: here, host: "host-a" }), times, () => 0);
  await assert.rejects(beside.hold(), {
    message: /^another daemon of this machine works on the folder: instance a on host-a/,
  });
  const third = await temporaryFolder();
  const gone = createLease(third, holderOf("a", { machine: here, pid: 2 ** 22 + 1 }), times, () => 0);
  assert.equal(await isHeld(gone), true);
  const next = createLease(third, holderOf("b", { machine: here }), times, () => 0);
  assert.equal(await isHeld(next), true);
});

test("the process that looks after a folder, when it is started again, holds on to its daemon's lease", async () => {
  const folder = await temporaryFolder();
  assert.equal(await isHeld(createLease(folder, holderOf("one"), times, () => 0)), true);
  assert.equal(await isHeld(createLease(folder, holderOf("one"), times, () => 0)), true);
  assert.deepEqual(await readdir(join(folder, leaseFolderName)), ["1"]);
});

/** Text that no daemon of ours wrote, or not to its end. */
const damaged: Record<string, string | Buffer> = {
  nothing: "",
  "other text": "not a lease",
  "a lease's beginning": '{"token": "token of two", "host": "host-t',
  "a number for a name": JSON.stringify({ ...holderOf("two"), host: 7 }),
  "a process number that no process has": JSON.stringify({ ...holderOf("two"), pid: -1 }),
  "far more than a lease": Buffer.alloc(64 * 2 ** 20, "7"),
};

for (const [what, text] of Object.entries(damaged)) {
  test(`a lease with ${what} in it is told by its name, and is left when it does not change`, async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, leaseFolderName));
    const file = join(folder, leaseFolderName, "3");
    await writeFile(file, text);
    let atMs = 0;
    const lease = createLease(folder, holderOf("one"), times, () => atMs);
    await assert.rejects(lease.hold(), {
      file,
      message:
        "the folder may be another daemon's, because this file is there, and it does not say whose the folder is",
      remedy:
        "Wait: if nothing writes into the file, it counts as left, and this daemon takes the folder in about 70 s. If you know that no other daemon works on the folder, remove the file",
    });
    atMs = times.leftAfterMs;
    assert.equal(await isHeld(lease), false);
    atMs += times.renewMs;
    assert.equal(await isHeld(lease), true);
    assert.deepEqual(await readdir(join(folder, leaseFolderName)), ["4"]);
    assert.equal(JSON.parse(await readFile(join(folder, leaseFolderName, "4"), "utf8")).instance, "one");
  });
}

/** Numbers that no takeover comes to, and what is no number of a lease at all. */
const impossible = ["999999999999999", "99999999999999999999", "1000000000", "-5", "0", "007", "1e3", "NaN"];

test("a file with a number that no daemon comes to is no lease: it is left alone, and keeps nobody from the folder", async () => {
  const folder = await temporaryFolder();
  const leases = join(folder, leaseFolderName);
  await mkdir(leases);
  for (const name of impossible) await writeFile(join(leases, name), JSON.stringify(holderOf("two")));
  await mkdir(join(leases, "1"));
  let atMs = 0;
  const first = createLease(folder, holderOf("one"), times, () => atMs);
  const second = createLease(folder, holderOf("other"), times, () => atMs);
  for (; atMs < 200_000; atMs += times.renewMs) {
    assert.deepEqual([await isHeld(first), await isHeld(second)], [true, false]);
  }
  assert.deepEqual((await readdir(leases)).sort(), [...impossible, "1", "2"].sort());
});

test("where something has the highest number that a lease may have, the folder is worked on without a lease once it does not change", async () => {
  for (const make of [writeFile, (path: string) => mkdir(path)]) {
    const folder = await temporaryFolder();
    const leases = join(folder, leaseFolderName);
    await mkdir(leases);
    await make(join(leases, "999999999"), "");
    let atMs = 0;
    const lease = createLease(folder, holderOf("one"), times, () => atMs);
    const isFile = make === writeFile;
    assert.equal(await isHeld(lease), !isFile);
    atMs = times.leftAfterMs;
    const after = isFile ? { kind: "unguarded", found: "no number is left for a lease" } : { kind: "held" };
    assert.deepEqual(await lease.hold(), after);
  }
});

test("where no lease can be written others cannot be noticed, unless one of theirs stands there", async (t) => {
  const folder = await temporaryFolder();
  const held = await temporaryFolder();
  assert.equal(await isHeld(createLease(held, holderOf("one"), times, () => 0)), true);
  await chmod(folder, 0o555);
  await chmod(held, 0o555);
  await chmod(join(held, leaseFolderName), 0o555);
  withoutRoot(t);
  const second = createLease(folder, holderOf("two"), times, () => 0);
  assert.deepEqual(await second.hold(), { kind: "unguarded", found: "EACCES" });
  let atMs = 0;
  const beside = createLease(held, holderOf("two"), times, () => atMs);
  assert.equal(await isHeld(beside), false);
  atMs = times.leftAfterMs;
  assert.deepEqual(await beside.hold(), { kind: "unguarded", found: "EACCES" });
});

test("on a share whose client makes a file anew that another one has just made, only the last of them holds the folder", async () => {
  const shared = { ...times, confirmMs: 100 };
  const onShare = async (): Promise<boolean> => true;
  const folder = await temporaryFolder();
  const first = createLease(folder, holderOf("one"), shared, () => 0, onShare);
  const held = isHeld(first);
  const file = join(folder, leaseFolderName, "1");
  const text = await until("its lease is written", () =>
    readFile(file, "utf8").then(
      (found) => found || undefined,
      () => undefined,
    ),
  );
  await writeFile(file, text.replace("token of one", "token of two"));
  assert.equal(await held, false);
  const alone = createLease(await temporaryFolder(), holderOf("one"), shared, () => 0, onShare);
  assert.equal(await isHeld(alone), true);
});

test("what has the name of a lease and is no file is none, and no lease is made in its place", async () => {
  const folder = await temporaryFolder();
  const leases = join(folder, leaseFolderName);
  const first = createLease(folder, holderOf("one"), times, () => 0);
  assert.equal(await isHeld(first), true);
  await symlink("nowhere", join(leases, "2"));
  await mkdir(join(leases, "3"));
  await mkdir(join(leases, "9"));
  const second = createLease(folder, holderOf("two"), times, () => 0);
  await assert.rejects(second.hold(), { message: /^another workstation works on the folder: instance one / });
  const again = createLease(folder, holderOf("one", { token: "second start" }), times, () => 0);
  assert.equal(await isHeld(again), true);
  assert.deepEqual((await readdir(leases)).sort(), ["2", "3", "4", "9"]);
  await again.release();
  assert.equal(await isHeld(second), true);
  assert.deepEqual((await readdir(leases)).sort(), ["1", "2", "3", "9"]);
});

test("where a link to nowhere has the name of the folder of leases others cannot be noticed", async () => {
  const folder = await temporaryFolder();
  await symlink("nowhere", join(folder, leaseFolderName));
  const lease = createLease(folder, holderOf("one"), times, () => 0);
  assert.deepEqual(await lease.hold(), { kind: "unguarded", found: "ENOENT" });
});
