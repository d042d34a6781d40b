import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isEdgeError } from "../../../core/errors.ts";
import { createFolderIo, type FolderIoOptions } from "../../../watcher/folder-io/host.ts";
import type { Finding } from "../../../watcher/intake/finding.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { until } from "../until.ts";
import { noMemory, quickFolder } from "./quick-folder.ts";

async function folderIo(t: TestContext, change: Partial<FolderIoOptions> = {}, sweepMs = 100) {
  const root = await temporaryFolder();
  await mkdir(join(root, "in"));
  const told = { findings: [] as Finding[], sweeps: 0, unreachable: [] as string[], asked: 0, found: 0 };
  let refuse = false;
  let noteMs = 0;
  const io = createFolderIo({
    settings: quickFolder(join(root, "in"), join(root, "out"), sweepMs),
    events: {
      onFinding: async (finding) => {
        told.found += 1;
        await sleep(noteMs);
        if (refuse) throw new Error("the ledger did not take it");
        told.findings.push(finding);
        return true;
      },
      onSwept: () => {
        told.sweeps += 1;
      },
      onUnreachable: (error) => told.unreachable.push(error.message),
      memory: async () => {
        told.asked += 1;
        return noMemory;
      },
    },
    ...change,
  });
  t.after(io.stop);
  io.start();
  return {
    root,
    io,
    told,
    setRefuse: (value: boolean) => (refuse = value),
    setNoteMs: (value: number) => (noteMs = value),
  };
}

test("a file that appears in a local folder brings a sweep long before its time", async (t) => {
  const { root, told } = await folderIo(t, {}, 3_600_000);
  await until("the first sweep is over", () => told.sweeps >= 1);
  // chokidar begins to watch once the first sweep is over; a hint that came before that would be a sweep's work.
  await until("a change is seen", async () => {
    await writeFile(join(root, "in", `${told.sweeps}.tif`), tinyTiff(1));
    await new Promise((resolve) => setTimeout(resolve, 200));
    return told.sweeps >= 2;
  });
});

test("a file that is written to without end keeps no other waiting", async (t) => {
  const { root, told } = await folderIo(t, {}, 500);
  await until("the first sweep is over", () => told.sweeps >= 1);
  const writing = setInterval(() => void appendFile(join(root, "in", "log.tif"), "more"), 50);
  t.after(() => clearInterval(writing));
  await writeFile(join(root, "in", "a.tif"), tinyTiff(1));
  await until("the other one is told", () => told.findings.some(({ kind }) => kind === "whole"));
});

test("a source that cannot be hashed is not told as a folder that cannot be reached, unless it is that", async (t) => {
  const { root, io, told } = await folderIo(t);
  await until("the first sweep is over", () => told.sweeps >= 1);
  await mkdir(join(root, "in", "no-file.tif"));
  assert.equal(await io.ask("hash", { source: "no-file.tif" }), "unreadable");
  assert.equal(await io.ask("hash", { source: "gone.tif" }), undefined);
  await rename(join(root, "in"), join(root, "away"));
  await assert.rejects(
    io.ask("hash", { source: "gone.tif" }),
    (error) => isEdgeError(error, "folder-unreachable") && error.file === join(root, "in"),
  );
});

test("a process that hangs is killed, said to be unreachable, and replaced", async (t) => {
  const { io, told } = await folderIo(t, {
    hangMs: 100,
    program: new URL("./hanging-program.ts", import.meta.url),
  });
  await until("it is unreachable", () =>
    told.unreachable.some((text) => text.includes("the folder's disk does not answer")),
  );
  await assert.rejects(io.ask("hash", { source: "a" }), (error) => isEdgeError(error, "folder-unreachable"));
  await until("another is started", () => told.asked >= 2);
});

test("a process that ends as often as it is started is told: nobody looks at the folder", async (t) => {
  const { told } = await folderIo(t, { program: new URL("./ending-program.ts", import.meta.url) });
  await until("it is told", () =>
    told.unreachable.some((text) =>
      /the process that looks after the folder has ended.*exit code 3/.test(text),
    ),
  );
  assert.ok(told.asked >= 2, "once is not worth a word");
});

test("a finding that could not be written down is told again", async (t) => {
  const { root, told, setRefuse } = await folderIo(t);
  setRefuse(true);
  await writeFile(join(root, "in", "a.tif"), tinyTiff(1));
  await until("it is refused", () => told.unreachable.length > 0);
  setRefuse(false);
  await until("it is told", () => told.findings.some(({ kind }) => kind === "whole"));
});

test("a finding that waits long for the ledger is not taken for a disk that hangs", async (t) => {
  const { root, told, setNoteMs } = await folderIo(t, { hangMs: 1000 });
  setNoteMs(1500);
  await writeFile(join(root, "in", "a.tif"), tinyTiff(1));
  await until("it is written down", () => told.findings.some(({ kind }) => kind === "whole"));
  assert.deepEqual([told.unreachable, told.asked], [[], 1]);
});

test("a folder's process whose daemon was killed ends without a word", async () => {
  const parent = spawn(
    process.execPath,
    [
      "--import",
      import.meta.resolve("tsx"),
      join(import.meta.dirname, "folder-parent.ts"),
      await temporaryFolder(),
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let said = "";
  parent.stderr.on("data", (text: Buffer) => {
    said += text.toString();
  });
  const pid = Number((await once(parent.stdout, "data"))[0]);
  // While it stands still its daemon dies and the time of its next sweep comes: it has something to tell, and learns of
  // the death by telling it.
  process.kill(pid, "SIGSTOP");
  parent.kill("SIGKILL");
  await once(parent, "exit");
  await sleep(1000);
  process.kill(pid, "SIGCONT");
  // The error output is closed once the last process that has it is gone.
  if (!parent.stderr.closed) await once(parent.stderr, "close");
  assert.equal(said, "");
});

test("what is asked of a process that ends is not said to be the disk's fault", async (t) => {
  const { root, io, told } = await folderIo(t, {}, 3_600_000);
  await until("the first sweep is over", () => told.sweeps >= 1);
  // Whoever opens it waits for a writer.
  execFileSync("mkfifo", [join(root, "in", "a.tif")]);
  const asked = io.ask("hash", { source: "a.tif" });
  await io.stop();
  await assert.rejects(asked, /the process that looks after the folder has ended/);
});

test("a finding that could not be written down because of a stop is told to nobody", async (t) => {
  const { root, io, told, setRefuse, setNoteMs } = await folderIo(t);
  setRefuse(true);
  setNoteMs(500);
  await writeFile(join(root, "in", "a.tif"), tinyTiff(1));
  await until("it is found", () => told.found > 0);
  await io.stop();
  await sleep(1000);
  assert.deepEqual(told.unreachable, []);
});

test("a folder of which polling is configured counts on no events, and finds its files", async (t) => {
  const root = await temporaryFolder();
  await mkdir(join(root, "in"));
  const modes: string[] = [];
  const found: string[] = [];
  const io = createFolderIo({
    settings: { ...quickFolder(join(root, "in"), join(root, "out"), 100), polling: true },
    events: {
      onFinding: async ({ kind }) => {
        found.push(kind);
        return true;
      },
      onSwept: ({ mode }) => modes.push(`${mode.events} ${mode.why}`),
      onUnreachable: (error) => assert.fail(error.message),
      memory: async () => noMemory,
    },
  });
  t.after(io.stop);
  io.start();
  await writeFile(join(root, "in", "a.tif"), tinyTiff(1));
  await until("it is found", () => found.includes("whole"));
  assert.deepEqual([...new Set(modes)], ["false polling is configured: no events are counted on"]);
});
