import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { formatError } from "../../core/errors.ts";
import { copyingEngine } from "../watcher/copying-engine.ts";
import { runDaemon } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { tinyTiff } from "../watcher/tiny-tiff.ts";
import { until } from "../watcher/until.ts";
import { runCommand, runHere } from "./run-command.ts";

/** Longer than the path of a socket may be. */
async function deepFolder(): Promise<string> {
  const folder = join(await temporaryFolder(), "a-rather-long-name-of-a-rig".repeat(4), "rig");
  await mkdir(folder, { recursive: true });
  return folder;
}

test("a job that failed is queued again while the daemon runs, and done; one that is done is not", async (t) => {
  const folder = await deepFolder();
  let fails = true;
  const { engine } = copyingEngine({
    fail: () => (fails ? formatError("it is odd", { code: "test" }) : undefined),
  });
  const { lives } = await runDaemon(t, folder, engine);
  const state = join(folder, "state");
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("it has ended", () => lives("a.tif").includes("failed"));
  fails = false;
  const { code, stdout, stderr } = await runHere(["queue", "retry", "a.tif", "--state", state]);
  assert.deepEqual([code, stdout, stderr], [0, "f  a.tif: queued again\n", ""]);
  await until("it is done", () => lives("a.tif").at(-1) === "done");
  const doneAlready =
    "f  a.tif: the job is not queued again: it is done. To denoise the same file once more, run cnnt-edge denoise, or copy the file into the watch folder under another name\n";
  for (const status of [[], ["--status", "done"]]) {
    const again = await runHere(["queue", "retry", "a.tif", ...status, "--state", state]);
    assert.deepEqual([again.code, again.stdout, again.stderr], [1, "", doneAlready]);
  }
  const skipped = await runHere(["queue", "skip", "a.tif", "--state", state]);
  assert.deepEqual(
    [skipped.code, skipped.stderr],
    [1, "f  a.tif: the job is not skipped: it is done. Only jobs that have not begun can be skipped\n"],
  );
  const unknown = await runHere(["queue", "retry", "b.tif", "--folder", "f", "--state", state]);
  assert.deepEqual(
    [unknown.code, unknown.stderr],
    [
      1,
      "b.tif: no job of the ledger has this source and matches the options. Name it as cnnt-edge queue lists it, below its watch folder\n",
    ],
  );
});

test("a paused folder notes its files and begins none, also after a restart; jobs are skipped meanwhile; resumed, the rest is done", async (t) => {
  const folder = await temporaryFolder();
  const state = join(folder, "state");
  const first = await runDaemon(t, folder, copyingEngine().engine);
  const paused = await runHere(["queue", "pause", "f", "--state", state]);
  assert.deepEqual([paused.code, paused.stdout], [0, "f: paused\n"], paused.stderr);
  await until("it says so", () => first.said("folder/f/state").at(-1)?.["state"] === "paused");
  assert.match(String(first.said("folder/f/state").at(-1)?.["remedy"]), /queue resume/);
  assert.equal(first.said("state").at(-1)?.["state"], "online");
  await first.stop();
  assert.equal(existsSync(join(state, "requests.sock")), false);

  const second = await runDaemon(t, folder, copyingEngine().engine);
  for (const name of ["a.tif", "b.tif"]) await writeFile(join(folder, "incoming", name), tinyTiff(1));
  await until("both wait", () => ["a.tif", "b.tif"].every((name) => second.lives(name).includes("queued")));
  const skipped = await runHere(["queue", "skip", "b.tif", "--state", state]);
  assert.deepEqual([skipped.code, skipped.stdout], [0, "f  b.tif: skipped\n"], skipped.stderr);
  assert.equal(second.said("folder/f/state").at(-1)?.["state"], "paused");
  const resumed = await runHere(["queue", "resume", "f", "--state", state]);
  assert.equal(resumed.code, 0, resumed.stderr);
  await until("the other is done", () => second.lives("a.tif").includes("done"));
  assert.deepEqual(second.lives("b.tif"), ["queued", "skipped"]);
  await until("it watches", () =>
    /watching|polling/.test(String(second.said("folder/f/state").at(-1)?.["state"])),
  );
});

test("a request that is none is answered as such, and the daemon goes on", async (t) => {
  const folder = await temporaryFolder();
  const { lives } = await runDaemon(t, folder, copyingEngine().engine);
  for (const said of ["garbage", "{}", JSON.stringify({ act: "burn", names: ["f"] }), ""]) {
    const socket = connect({ path: join(folder, "state/requests.sock"), allowHalfOpen: true });
    socket.end(said);
    assert.match(await text(socket), /does not understand the request/);
  }
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("it is done", () => lives("a.tif").includes("done"));
});

test("a stopped daemon's ledger takes requests too, and says when they count", async (t) => {
  const folder = await temporaryFolder();
  const state = join(folder, "state");
  const failing = await runDaemon(
    t,
    folder,
    copyingEngine({ fail: () => formatError("it is odd", { code: "test" }) }).engine,
  );
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  await until("it has ended", () => failing.lives("a.tif").includes("failed"));
  await failing.stop();
  const retried = await runCommand(["queue", "retry", "--folder", "f", "--state", state]);
  assert.deepEqual([retried.code, retried.stdout], [0, "f  a.tif: queued again\n"]);
  assert.equal(retried.stderr, "no daemon runs; its next start takes this over\n");
  // Options that stand before the name of the request select its jobs too.
  const other = await runCommand(["queue", "--folder", "g", "--state", state, "skip", "a.tif"]);
  assert.equal(other.stdout, "");
  const useless = await runCommand(["queue", "--state", state, "--json", "skip", "a.tif"]);
  assert.match(useless.stderr, /--json means nothing for queue skip/);
  const { lives } = await runDaemon(t, folder, copyingEngine().engine);
  await until("it is done", () => lives("a.tif").at(-1) === "done");
});

test("requests that name nothing, no known folder or no ledger are refused in one line", async (t) => {
  const folder = await temporaryFolder();
  const state = join(folder, "state");
  const none = await runHere(["queue", "retry", "--state", state]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /nothing says which jobs/);
  const missing = await runHere(["queue", "pause", "f", "--state", state]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /ledger\.sqlite: there is no ledger/);
  assert.equal(existsSync(join(state, "ledger.sqlite")), false);
  await runDaemon(t, folder, copyingEngine().engine);
  const unknown = await runHere(["queue", "pause", "g", "--state", state]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^g: no watch folder has this name/m);
});
