import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { machineError } from "../../../core/errors.ts";
import { publishPreviews } from "../../../watcher/announce/publish-jobs.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Folder } from "../../../watcher/folder/folder.ts";
import { runningJob } from "../running-job.ts";

test("a source is held from the event of its end until its preview is drawn, also where that fails", async () => {
  const lost = machineError("the process has ended", { code: "folder-unreachable" });
  const attempts = [
    { failure: undefined, end: ["preview"] },
    { failure: new Error("no picture"), end: ["warned"] },
    // The folder itself tells of it, unless the daemon stops.
    { failure: lost, end: [] },
  ];
  for (const { failure, end } of attempts) {
    const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
    const told: string[] = [];
    let draw: () => void = () => undefined;
    const drawn = new Promise<object>((resolve, reject) => {
      draw = () => (failure === undefined ? resolve({ displayRange: [0, 1] }) : reject(failure));
    });
    publishPreviews(events, {
      publisher: { publish: (name) => void told.push(name), clear: assert.fail },
      folders: [{ config: { name: "f" }, io: { ask: () => drawn } } as unknown as Folder],
      holdSources: () => {
        told.push("held");
        return () => void told.push("let go");
      },
      log: { warn: () => void told.push("warned") },
    });
    const job = { ...runningJob("a.tif", 64), output: "/out/a.ome.tif" };
    events.tell("jobChanged", job);
    events.tell("jobChanged", { ...job, status: "done" });
    assert.deepEqual(told, ["held"], "before tell returns: a move could begin after it");
    events.tell("jobChanged", { ...job, status: "done" });
    draw();
    await nextTurn();
    assert.deepEqual(told, ["held", ...end, "let go"], "one every two seconds");
  }
});

test("a picture is cleared from the broker after its time, and a newer one of the folder begins it anew", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const told: string[] = [];
  const folders = ["f", "g"].map(
    (name) =>
      ({ config: { name }, io: { ask: async () => ({ displayRange: [0, 1] }) } }) as unknown as Folder,
  );
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  publishPreviews(events, {
    publisher: {
      publish: (_name, _body, names) => void told.push(`picture of ${names?.folder}`),
      clear: (name, names) => void told.push(`${name} of ${names?.folder} cleared`),
    },
    folders,
    holdSources: () => () => undefined,
    log: { warn: assert.fail },
    keepMs: 10_000,
  });
  const afterMs = async (ms: number, folder?: string): Promise<void> => {
    nowMs += ms;
    t.mock.timers.tick(ms);
    if (folder === undefined) return;
    const job = { ...runningJob("a.tif", 64), folder, output: "/out/a.ome.tif" };
    events.tell("jobChanged", { ...job, status: "done" });
    await nextTurn();
  };
  await afterMs(3000, "f");
  await afterMs(6000, "f");
  await afterMs(3000, "g");
  await afterMs(6999);
  assert.deepEqual(told.splice(0), ["picture of f", "picture of f", "picture of g"]);
  await afterMs(1);
  assert.deepEqual(told.splice(0), ["preview of f cleared"]);
  await afterMs(3000);
  assert.deepEqual(told, ["preview of g cleared"]);
});
