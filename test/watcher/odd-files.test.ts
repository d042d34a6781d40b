import assert from "node:assert/strict";
import { chmod, mkdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { usageError } from "../../core/errors.ts";
import { openToRead } from "../../watcher/ledger/database.ts";
import { askHistory } from "../../watcher/ledger/history.ts";
import { writeMicroManager } from "../formats/described/micro-manager-files.ts";
import { copyingEngine } from "./copying-engine.ts";
import { namesIn } from "./names-in.ts";
import { quickSettle, repository, runDaemon } from "./running-daemon.ts";
import { setMember } from "./set-member.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";
import { withoutRoot } from "./without-root.ts";

test("a file that may not be read waits with the remedy, and is done once it may be read", async (t) => {
  withoutRoot(t);
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { lives, heard } = await runDaemon(t, folder, engine);
  const path = join(folder, "incoming", "a.tif");
  await writeFile(path, tinyTiff(1), { mode: 0o000 });
  const waiting = await until(
    "it waits",
    () =>
      heard.find(({ topic, payload }) => topic.includes("/job/") && payload["status"] === "waiting")?.payload,
  );
  assert.match(String(waiting["reason"]), /the file may not be read.*chmod/);
  // Longer than a broken file may take.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  await chmod(path, 0o600);
  await until("it is done", () => lives("a.tif").includes("done"));
  assert.deepEqual(lives("a.tif"), ["waiting", "queued", "running", "done"]);
  assert.deepEqual(await namesIn(join(folder, "denoised")), ["a.denoised.ome.tif"]);
});

test("a file that is cut is said to wait when it begins to, once; its failure is the line of its job's end only", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  // On a busy machine the looks lie further apart than a second.
  const settle = { ...quickSettle, broken_s: 5 };
  const { lives, lines, said } = await runDaemon(t, folder, engine, { settle });
  const path = join(folder, "incoming", "cut.tif");
  await writeFile(path, tinyTiff(1).subarray(0, 100));
  await until("it waits", () => lives("cut.tif").includes("waiting"));
  await writeFile(path, tinyTiff(1).subarray(0, 110));
  await until("it has failed", () => lives("cut.tif").includes("failed"));
  assert.equal(lines.filter((line) => line.includes("cut.tif")).length, 1, lines.join("\n"));
  assert.match(lines.join("\n"), /^cut\.tif waits: .+; it fails after 5 s without a change$/m);
  const told = said("folder/f/state").map(({ waiting }) => JSON.stringify(waiting));
  const reason = told.find((waiting) => waiting.includes("TIFF directory")) ?? assert.fail("no reason");
  assert.equal(reason.split("cut.tif").length, 2, reason);
  assert.ok(said("log").some(({ message }) => String(message).includes("cut.tif")));
});

test("a file that failed for the configuration names its line; after a restart a touch does it again, under the plain name", async (t) => {
  const folder = await temporaryFolder();
  const unknown = usageError("no channel has this name or number", {
    code: "channel-unknown",
    remedy: "`cnnt-edge info` shows the channels of a file",
  });
  const failing = await runDaemon(t, folder, copyingEngine({ fail: () => unknown }).engine);
  const path = join(folder, "incoming", "ok.tif");
  await writeFile(path, tinyTiff(1));
  await until("it has failed", () => failing.lives("ok.tif").includes("failed"));
  const failed = failing.heard.find(({ payload }) => payload["status"] === "failed");
  assert.match(
    JSON.stringify(failed?.payload["error"]),
    /shows the channels of a file\. Change folders\[\]\.channels of the folder f in the configuration/,
  );
  await failing.stop();
  const { lives } = await runDaemon(t, folder, copyingEngine().engine);
  await writeFile(join(folder, "incoming", "next.tif"), tinyTiff(2));
  await until("another file is done", () => lives("next.tif").includes("done"));
  assert.deepEqual(lives("ok.tif"), []);
  await utimes(path, new Date(), new Date());
  await until("it is done", () => lives("ok.tif").includes("done"));
  assert.deepEqual((await namesIn(join(folder, "denoised"))).sort(), [
    "next.denoised.ome.tif",
    "ok.denoised.ome.tif",
  ]);
});

test("a subfolder that may not be read is told with the remedy; the rest goes on, and it is watched after the repair", async (t) => {
  withoutRoot(t);
  const folder = await temporaryFolder();
  const closed = join(folder, "incoming", "closed");
  await mkdir(closed, { recursive: true });
  await writeFile(join(closed, "b.tif"), tinyTiff(1));
  await chmod(closed, 0o000);
  t.after(() => chmod(closed, 0o700));
  const { engine } = copyingEngine();
  const { lives, said } = await runDaemon(t, folder, engine);
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("the rest goes on", () => lives("a.tif").includes("done"));
  const state = await until("the folder tells it", () =>
    said("folder/f/state").findLast(({ reason }) => String(reason).includes("closed")),
  );
  assert.equal(state["state"], "watching");
  assert.match(String(state["remedy"]), /chmod/);
  await until("a person is asked for", () => said("state").at(-1)?.["state"] === "degraded");
  await chmod(closed, 0o700);
  await until("what lay there is done", () => lives("closed/b.tif").includes("done"));
  await until("all is well", () => said("state").at(-1)?.["state"] === "online");
  const last = said("folder/f/state").at(-1);
  assert.deepEqual([last?.["state"], last?.["remedy"]], ["watching", undefined]);
});

test("a name that is not UTF-8 is a failed job that says so once; renamed, it is done", async (t) => {
  const folder = await temporaryFolder();
  const incoming = join(folder, "incoming");
  await mkdir(incoming);
  const latin1 = Buffer.concat([Buffer.from(`${incoming}/`), Buffer.from("gr\u00fcn.tif", "latin1")]);
  await writeFile(latin1, tinyTiff(1));
  const { engine } = copyingEngine();
  const { lives, heard, said } = await runDaemon(t, folder, engine);
  await until("it has failed", () => lives("$'gr\\xfcn.tif'").includes("failed"));
  const failed = heard.find(({ payload }) => payload["status"] === "failed");
  assert.match(JSON.stringify(failed?.payload["error"]), /not UTF-8.*[Rr]ename/);
  await mkdir(Buffer.concat([Buffer.from(`${incoming}/`), Buffer.from("t\u00e4glich", "latin1")]));
  await until("so is a folder's", () =>
    said("folder/f/state").some(({ reason }) => String(reason).includes("t\\xe4glich")),
  );
  await rename(latin1, join(incoming, "gr\u00fcn.tif"));
  await until("it is done", () => lives("gr\u00fcn.tif").includes("done"));
  assert.deepEqual(lives("$'gr\\xfcn.tif'"), ["failed"]);
});

test("sources with the longest names there can be have results of their own", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { lives } = await runDaemon(t, folder, engine);
  const names = ["a", "b"].map((last) => `${"\u00e4".repeat(124)}${last}.tif`);
  for (const [index, name] of names.entries()) {
    await writeFile(join(folder, "incoming", name), tinyTiff(index + 1));
  }
  for (const name of names) await until("it is done", () => lives(name).includes("done"));
  const results = await namesIn(join(folder, "denoised"));
  assert.equal(results.length, 2);
  for (const name of results) assert.match(name, /^\u00e4{100,}-[0-9a-f]{8}\.denoised\.ome\.tif$/);
});

test("a set whose first file comes last is one job, which waits in the name of that file and is done", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const { lives, said } = await runDaemon(t, folder, engine, {
    // On a busy machine the looks lie further apart than a second.
    settle: { ...quickSettle, broken_s: 60 },
  });
  const write = (index: number): Promise<void> =>
    writeFile(join(folder, "incoming", `S_${index}.ome.tif`), setMember(index, 3));
  await write(2);
  await until("it waits for the others", () => lives("S_0.ome.tif").includes("waiting"));
  for (const index of [1, 0]) await write(index);
  await until("the set is done", () => lives("S_0.ome.tif").includes("done"));
  const ledger = openToRead(join(folder, "state/ledger.sqlite"));
  t.after(ledger.close);
  assert.deepEqual(
    askHistory(ledger, { limit: 10 }).map(({ source, status }) => [source, status]),
    [["S_0.ome.tif", "done"]],
  );
  await until("nothing waits any more", () => {
    const state = said("folder/f/state").at(-1);
    return state !== undefined && !JSON.stringify(state["waiting"] ?? 0).includes("incomplete");
  });
});

test("Micro-Manager's planes whose metadata.txt comes last are one job and one line of the log, from the first plane on", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  const settle = { ...quickSettle, broken_s: 60 };
  const { lives, lines, heard } = await runDaemon(t, folder, engine, { settle });
  const incoming = join(folder, "incoming/exp/Pos0");
  const { metadata, names } = await writeMicroManager(incoming, { version: "2.0", t: 4, c: 2, z: 1 });
  const last = await readFile(metadata);
  await rm(metadata);
  await until("it waits", () => lives("exp/Pos0/metadata.txt").includes("waiting"));
  // A plane that comes later, and some looks more: what is wrongly told would be.
  await rename(join(incoming, names[7] ?? ""), join(folder, "plane"));
  await rename(join(folder, "plane"), join(incoming, names[7] ?? ""));
  await sleep(3 * 1000 * (quickSettle.quiet_s + quickSettle.sweep_s));
  await writeFile(metadata, last);
  await until("it is done", () => lives("exp/Pos0/metadata.txt").includes("done"));
  const sources = heard
    .filter(({ topic }) => topic.includes("/job/"))
    .map(({ payload }) => payload["source"]);
  assert.deepEqual([...new Set(sources)], ["exp/Pos0/metadata.txt"]);
  assert.equal(lines.filter((line) => line.startsWith("exp/Pos0")).length, 1, lines.join("\n"));
  const ledger = openToRead(join(folder, "state/ledger.sqlite"));
  t.after(ledger.close);
  assert.deepEqual(
    askHistory(ledger, { limit: 10 }).map(({ source, status }) => [source, status]),
    [["exp/Pos0/metadata.txt", "done"]],
  );
});

test("a source that was last changed before 1970 is denoised and moved", async (t) => {
  const folder = await temporaryFolder();
  const { engine } = copyingEngine();
  await mkdir(join(folder, "incoming"));
  const path = join(folder, "incoming", "a.tif");
  await writeFile(path, tinyTiff(1));
  // As a number it would mean now.
  const before1970 = new Date("1969-12-31T23:00:00.500Z");
  await utimes(path, before1970, before1970);
  const { lives } = await runDaemon(t, folder, engine, {
    folders: [
      {
        name: "f",
        path: "incoming",
        output: "denoised",
        model: join(repository, "models/identity"),
        after: { move: "archive" },
      },
    ],
  });
  await until("it is done", () => lives("a.tif").includes("done"));
  await until("it is moved", () =>
    namesIn(join(folder, "archive")).then(
      (names) => names.includes("a.tif"),
      () => false,
    ),
  );
});
