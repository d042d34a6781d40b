import assert from "node:assert/strict";
import { chmod, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isEdgeError } from "../../../core/errors.ts";
import { createFolderLeases, type FolderLeases } from "../../../watcher/folder-io/folder-leases.ts";
import { leaseFolderName, makeLease } from "../../../watcher/folder-io/lease-file.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { withoutRoot } from "../without-root.ts";
import { holderOf } from "./quick-folder.ts";

const times = { renewMs: 10_000, leftAfterMs: 60_000, confirmMs: 0 };

const works = (leases: FolderLeases): Promise<boolean> =>
  leases.hold(true).then(
    () => true,
    (error: unknown) => {
      assert.ok(isEdgeError(error, "folder-leased"), String(error));
      return false;
    },
  );

async function madeFolders<Name extends string>(...names: Name[]): Promise<Record<Name, string>> {
  const root = await temporaryFolder();
  const made = names.map((name) => [name, join(root, name)] as const);
  await Promise.all(made.map(([, folder]) => mkdir(folder)));
  return Object.fromEntries(made) as Record<Name, string>;
}

test("a watch folder that may only be read is guarded by its results, and it is told where those take no lease either", async (t) => {
  const root = await temporaryFolder();
  await chmod(root, 0o755);
  const [path, output, closed] = ["in", "out", "closed"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const [folder, mode] of [
    [path, 0o555],
    [output, 0o777],
    [closed, 0o555],
  ] as const) {
    await mkdir(folder);
    await chmod(folder, mode);
  }
  withoutRoot(t);
  const first = createFolderLeases({ path, output }, holderOf("one"));
  assert.equal(await first.hold(true), undefined);
  const second = createFolderLeases({ path, output }, holderOf("two"));
  await assert.rejects(second.hold(true), { code: "folder-leased" });
  const elsewhere = createFolderLeases({ path, output: closed }, holderOf("three"));
  assert.match(
    (await elsewhere.hold(true)) ?? "",
    /^two workstations on this folder cannot be noticed, .* \(EACCES\)$/,
  );
  await first.release();
  assert.equal(await second.hold(true), undefined);
});

test("never do two daemons work on a folder, and one of them does soon, however they stall and end and whichever folders they share", async () => {
  const pair = fc.constantFrom(["x", "y"], ["y", "x"], ["y", "z"], ["z", "x"]) as fc.Arbitrary<
    ["x" | "y" | "z", "x" | "y" | "z"]
  >;
  const step = fc.record({
    passMs: fc.integer({ min: 0, max: 25_000 }),
    stalled: fc.subarray([0, 1, 2]),
    ends: fc.option(fc.nat(2), { freq: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.tuple(pair, pair, pair), fc.array(step, { maxLength: 25 }), async (pairs, steps) => {
      const folders = await madeFolders("x", "y", "z");
      let timeMs = 0;
      let starts = 0;
      const start = ([path, output]: (typeof pairs)[number]) => {
        starts += 1;
        const own = holderOf(`${path}${output}`, { token: String(starts), daemon: `daemon ${starts}` });
        const both = { path: folders[path], output: folders[output] };
        return createFolderLeases(both, own, times, () => timeMs);
      };
      const daemons = pairs.map(start);
      for (const { passMs, stalled, ends } of steps) {
        timeMs += passMs;
        const working = await Promise.all(
          daemons.map(async (daemon, index) => !stalled.includes(index) && (await works(daemon))),
        );
        const used = pairs.filter((_, index) => working[index]).flat();
        assert.equal(new Set(used).size, used.length, `two work on one of ${used}`);
        const killed = ends === null ? undefined : pairs[ends];
        if (ends !== null && killed !== undefined) daemons[ends] = start(killed);
      }
      const working: boolean[] = [];
      for (const passMs of [0, times.leftAfterMs, times.renewMs, 0]) {
        timeMs += passMs;
        working.length = 0;
        for (const daemon of daemons) working.push(await works(daemon));
      }
      const used = pairs.filter((_, index) => working[index]).flat();
      assert.ok(used.length > 0 && new Set(used).size === used.length, `${used} are worked on`);
    }),
    { numRuns: 20 },
  );
});

test("a holder that stalls while another daemon takes the first of its two folders gives the other one back", async () => {
  const { watched, output } = await madeFolders("watched", "output");
  let atMs = 0;
  const stalled = createFolderLeases({ path: watched, output }, holderOf("one"), times, () => atMs);
  assert.equal(await works(stalled), true);
  await makeLease(watched, 2, holderOf("two"));
  atMs += times.renewMs;
  assert.equal(await works(stalled), false);
  assert.deepEqual(await readdir(output), []);
});

test("a sweep that is still under way at a stop takes no lease again after it was given back", async () => {
  const { watched, output } = await madeFolders("watched", "output");
  const leases = createFolderLeases({ path: watched, output }, holderOf("one"), times);
  assert.equal(await works(leases), true);
  const [, late] = await Promise.allSettled([leases.release(), leases.hold(true)]);
  assert.ok(late.status === "rejected" && isEdgeError(late.reason, "interrupted"));
  assert.deepEqual([await readdir(watched), await readdir(output)], [[], []]);
});

test("a daemon whose results are another one's leaves the watch folder free for others", async () => {
  const { watched, output, elsewhere } = await madeFolders("watched", "output", "elsewhere");
  const first = createFolderLeases({ path: elsewhere, output }, holderOf("one"), times);
  assert.equal(await works(first), true);
  const second = createFolderLeases({ path: watched, output }, holderOf("two"), times);
  assert.equal(await works(second), false);
  assert.deepEqual(await readdir(watched), []);
});

test("both folders of a daemon that went are taken over after the time for one", async () => {
  const { watched, output } = await madeFolders("watched", "output");
  for (const folder of [watched, output]) await makeLease(folder, 1, holderOf("gone"));
  let atMs = 0;
  const next = createFolderLeases({ path: watched, output }, holderOf("one"), times, () => atMs);
  for (const passMs of [0, times.leftAfterMs]) {
    atMs += passMs;
    assert.equal(await works(next), false);
  }
  atMs += times.renewMs;
  assert.equal(await works(next), true);
  assert.deepEqual(await readdir(join(output, leaseFolderName)), ["2"]);
});

test("of two daemons that write into each other's watch folder one works, although they begin at once again and again", async () => {
  const { x, y } = await madeFolders("x", "y");
  const short = { ...times, confirmMs: 20 };
  const daemons = [
    createFolderLeases({ path: x, output: y }, holderOf("one"), short),
    createFolderLeases({ path: y, output: x }, holderOf("two"), short),
  ];
  let working: boolean[] = [];
  for (let tries = 0; tries < 50 && !working.includes(true); tries += 1) {
    working = await Promise.all(daemons.map(works));
  }
  assert.equal(working.filter(Boolean).length, 1);
});

test("a folder that was taken over is given back only when the daemon before cannot count on it any more", async () => {
  const { watched, output, elsewhere } = await madeFolders("watched", "output", "elsewhere");
  await makeLease(watched, 1, holderOf("gone"));
  let atMs = 0;
  const taker = createFolderLeases({ path: watched, output }, holderOf("one"), times, () => atMs);
  const next = createFolderLeases({ path: watched, output: elsewhere }, holderOf("two"), times, () => atMs);
  for (const passMs of [0, times.leftAfterMs]) {
    atMs += passMs;
    // The disk of its results is not there yet. When it comes, another daemon works on it.
    await assert.rejects(taker.hold(false), { code: "folder-leased" });
  }
  assert.deepEqual(await readdir(join(watched, leaseFolderName)), ["2"]);
  await makeLease(output, 1, holderOf("other"));
  assert.deepEqual([await works(taker), await works(next)], [false, false]);
  atMs += times.renewMs;
  assert.deepEqual([await works(taker), await works(next)], [false, true]);
});
