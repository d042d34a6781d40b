import assert from "node:assert/strict";
import { test } from "node:test";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import type { Folder } from "../../../watcher/folder/folder.ts";
import { pauseClosedFolders } from "../../../watcher/queue/ledger-queue.ts";

test("a folder is paused from the start and whenever it closes, and resumed when it opens; others stay as they are", () => {
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const open = { f: false, g: true };
  const folders = (["f", "g"] as const).map(
    (name) => ({ config: { name }, isOpen: () => open[name] }) as unknown as Folder,
  );
  const said: string[] = [];
  const queue = {
    pause: (folder: string) => void said.push(`pause ${folder}`),
    resume: (folder: string) => void said.push(`resume ${folder}`),
  };
  pauseClosedFolders(events, queue, folders);
  open.f = true;
  events.tell("folderChanged", { folder: "f" });
  open.g = false;
  events.tell("folderChanged", { folder: "g" });
  assert.deepEqual(said, ["pause f", "resume g", "resume f", "pause g"]);
});
