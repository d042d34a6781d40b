import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { playMicroscope, showFirst } from "../../../bin/commands/watch-demo.ts";
import type { Job } from "../../../watcher/ledger/job.ts";
import { noEngine } from "../../commands/no-engine.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";
import { until } from "../../watcher/until.ts";

function pageOf() {
  const stdout = new PassThrough({ encoding: "utf8" });
  const stderr = new PassThrough({ encoding: "utf8" });
  const aborting = new AbortController();
  let text = "";
  stdout.on("data", (chunk) => {
    text += chunk;
  });
  return { io: { stdout, stderr, signal: aborting.signal, startEngine: noEngine }, text: () => text };
}

test("the demo says when its stacks are written, and that the daemon goes on", async () => {
  const folder = await temporaryFolder();
  const { io, text } = pageOf();
  let cleared = 0;
  playMicroscope(folder, io, { intervalS: 0, clear: () => (cleared += 1) });
  await until("it has ended", () => text().includes("the demo has ended"));
  assert.equal((await readdir(folder)).filter((name) => name.endsWith(".ome.tif")).length, 2);
  assert.match(
    text(),
    /demo: both stacks are written, and the demo has ended\. The daemon goes on watching .*; press Ctrl-C to stop it\n$/,
  );
  assert.equal(cleared, 1);
});

test("the first result is shown once, with the two files to open side by side", async () => {
  const { io, text } = pageOf();
  const show = showFirst(io);
  const job = {
    source: "a.ome.tif",
    folder: "f",
    status: "done",
    outcome: { elapsedS: 2, output: "/o/a.denoised.ome.tif" },
  } as Job;
  show({ ...job, status: "running" });
  show(job);
  show(job);
  assert.equal(
    text(),
    "  demo: first result after 2 s: /o/a.denoised.ome.tif\n        open it beside a.ome.tif in Fiji or napari\n",
  );
});
