import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createWatchJournal, createWatchScreen } from "../../../bin/screen/watch-screen.ts";
import { machineError } from "../../../core/errors.ts";
import type { Progress } from "../../../runtime/job/denoise-job.ts";
import type { Job } from "../../../watcher/ledger/job.ts";
import { outcomeOf } from "../../watcher/outcome-of.ts";
import { runningJob } from "../../watcher/running-job.ts";

const running = runningJob("fish.tif", 4_200_000);
const done: Job = {
  ...running,
  status: "done",
  outcome: outcomeOf(`${process.cwd()}/denoised/fish.denoised.ome.tif`, {
    voxels: 4_200_000,
    elapsedS: 14,
    networkS: 13,
  }),
};
const failed: Job = {
  ...running,
  status: "failed",
  error: {
    kind: "format",
    code: "tiff-cut",
    message: "the file ends early",
    remedy: "Copy it again",
    retryable: false,
  },
};
const half: Progress = { stage: "denoising", doneVoxels: 50, totalVoxels: 100, elapsedS: 5, etaS: 69.2 };
const doneLine = "fish.tif → denoised/fish.denoised.ome.tif, 14 s, 0.3 million voxels a second";

/** What stands on a terminal after all that was written: lines, the last one under the cursor. */
function terminal(columns = 80) {
  const stderr = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns });
  let nowMs = 0;
  let written = "";
  const screen = createWatchScreen(
    stderr,
    () => nowMs,
    () => new Date(2026, 0, 1, 9, 5, 7),
  );
  const read = (): string => {
    written += stderr.read() ?? "";
    return written;
  };
  return {
    screen,
    pass: (ms: number) => (nowMs += ms),
    lines: () =>
      read()
        .split("\n")
        .map((line) => line.split("\r\u001b[K").at(-1) ?? ""),
    drawn: () => read().split("\r\u001b[K").length - 1,
  };
}

test("a terminal has a line with the time of day for each job that ended, and a bar for the running one", () => {
  const { screen, lines } = terminal();
  screen.job(running);
  screen.running(running, half);
  assert.deepEqual(lines(), ["fish.tif [##########----------] denoising, about 50 % done, 1 min 10 s left"]);
  screen.job(done);
  screen.job(failed);
  screen.job({ ...failed, status: "parked", attempt: 2 });
  screen.job({ ...running, status: "skipped", reason: "a result exists" });
  assert.deepEqual(lines(), [
    `09:05:07 ${doneLine}`,
    "09:05:07 fish.tif failed: the file ends early. Copy it again",
    "09:05:07 fish.tif parked after 2 attempts: the file ends early. Copy it again",
    "09:05:07 fish.tif skipped: a result exists",
    "",
  ]);
});

const withNotes = (notes: readonly string[], noise?: NonNullable<Job["outcome"]>["noise"]): Job => ({
  ...done,
  ...(done.outcome === undefined
    ? {}
    : { outcome: { ...done.outcome, notes, ...(noise === undefined ? {} : { noise }) } }),
});

test("the notes of a result stand below the line of its job's end, a few of them and each in one line", () => {
  const { screen, lines } = terminal();
  screen.running(running, half);
  screen.job(withNotes(["pages are read as depth", "Little\nsignal"]));
  assert.deepEqual(lines(), [
    `09:05:07 ${doneLine}`,
    "         note: pages are read as depth",
    "         note: Little\\nsignal",
    "",
  ]);
  const many = terminal();
  many.screen.job(withNotes(Array.from({ length: 40 }, (_, k) => `${k}: ${"long ".repeat(1000)}`)));
  assert.equal(many.lines().length, 8);
  assert.ok(many.lines().every((line) => line.length <= 520));
  assert.equal(many.lines().at(-2), "         note: 35 more notes stand in the result's metadata");
});

test("a noise warning, which has a line of its own, is not repeated as a note", () => {
  const { screen, lines } = terminal();
  const check = { calibration: "c", channel: 0, averages: 4, noisier: true, warning: "channel 0 is noisier" };
  screen.job(withNotes(["a", "channel 0 is noisier"], [check]));
  assert.deepEqual(lines(), [`09:05:07 ${doneLine}`, "         note: a", ""]);
});

test("a warning stands in one readable line above the bar, which comes back", () => {
  const { screen, lines } = terminal();
  screen.running(running, half);
  screen.log.warn(machineError("the disk is slow", { code: "slow", remedy: "Wait" }), { job: running.id });
  screen.running(running, half);
  assert.deepEqual(lines()[0], "09:05:07 warning: the disk is slow. Wait");
  assert.match(lines()[1] ?? "", /^fish\.tif \[/);
});

test("the error that ended a job is told once", () => {
  const { screen, lines } = terminal();
  screen.log.warn(machineError("the file ends early", { code: "tiff-cut" }), {
    job: running.id,
    ended: true,
  });
  screen.job(failed);
  assert.equal(lines().filter((line) => line.includes("ends early")).length, 1);
});

test("the line of a failed job names its file once", () => {
  const { screen, lines } = terminal();
  const message = "/data/incoming/fish.tif: the file ends early";
  screen.job({ ...failed, ...(failed.error === undefined ? {} : { error: { ...failed.error, message } }) });
  assert.equal(lines()[0], "09:05:07 fish.tif failed: the file ends early. Copy it again");
});

test("the bar is drawn a few times a second, is never wider than the terminal, and is taken away", () => {
  for (const columns of [20, 40, 60, 100]) {
    const { screen, lines } = terminal(columns);
    screen.running({ ...running, source: "a-file-with-a-very-long-name-of-its-own.tif" }, half);
    const [line = ""] = lines();
    assert.ok(line !== "" && line.length < columns, `${columns}: ${line}`);
    screen.clear();
    assert.deepEqual(lines(), [""]);
  }
  const { screen, drawn, pass } = terminal();
  for (let k = 0; k < 100; k += 1) {
    screen.running(running, half);
    pass(10);
  }
  assert.ok(drawn() <= 4, `${drawn()}`);
});

test("a job that is put back takes its bar along", () => {
  const { screen, lines } = terminal();
  screen.running(running, half);
  screen.job({ ...running, status: "waiting", reason: "the disk of the results is full" });
  assert.deepEqual(lines(), [""]);
});

test("control characters in a file's name do not reach the terminal", () => {
  const { screen, lines } = terminal();
  const evil = { ...running, source: "a\u001b[2Jb\n.tif" };
  screen.running(evil, half);
  screen.job({ ...evil, status: "failed" });
  assert.match(lines()[0] ?? "", /a\\u001b\[2Jb\\n\.tif failed/);
});

test("elsewhere there are JSON lines: one for each job that ended, none on its way", () => {
  const stderr = new PassThrough({ encoding: "utf8" });
  const journal = createWatchJournal(stderr);
  journal.job(running);
  journal.running(running, half);
  journal.job(withNotes(["Little signal"]));
  journal.job(failed);
  const lines = String(stderr.read())
    .trimEnd()
    .split("\n")
    .map((line): Record<string, unknown> => JSON.parse(line));
  assert.equal(lines.length, 2);
  const [end, failure] = lines;
  assert.equal(end?.["msg"], doneLine);
  assert.deepEqual([end?.["level"], end?.["status"], end?.["elapsed_s"]], [30, "done", 14]);
  assert.deepEqual([end?.["notes"], failure?.["notes"]], [["Little signal"], undefined]);
  assert.deepEqual([failure?.["level"], failure?.["status"], failure?.["code"]], [40, "failed", "tiff-cut"]);
});
