import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { publishPreviews } from "../../../watcher/announce/previews.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Folder } from "../../../watcher/folder/folder.ts";
import { runningJob } from "../running-job.ts";

test("a source is held from the event of its end until its preview is drawn, also where that fails", async () => {
  for (const fails of [false, true]) {
    const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
    const told: string[] = [];
    let draw: () => void = () => undefined;
    const drawn = new Promise<object>((resolve, reject) => {
      draw = () => (fails ? reject(new Error("no picture")) : resolve({ displayRange: [0, 1] }));
    });
    publishPreviews(events, {
      publisher: { publish: (name) => void told.push(name) },
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
    assert.deepEqual(told, ["held", fails ? "warned" : "preview", "let go"], "one every two seconds");
  }
});
