import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repository } from "../running-daemon.ts";

const read = (path: string): string => readFileSync(join(repository, path), "utf8");
const sources = readdirSync(join(repository, "watcher"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .map((file) => read(join("watcher", file)));
const events = [...read("watcher/events/daemon-events.ts").matchAll(/^ {2}readonly (\w+):/gm)].map(
  ([, name]) => name ?? "",
);

test("the page on the architecture has one row for each event of the daemon, in the same order", () => {
  const [, parts = ""] = read("docs/architecture.md").split("## The daemon's parts");
  const rows = [...(parts.split("\n## ")[0] ?? "").matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  assert.ok(events.length > 5);
  assert.deepEqual(rows, events);
});

test("each event is told by some part, and heard by some part", () => {
  const silent = events.filter((name) => !sources.some((text) => text.includes(`events.tell("${name}"`)));
  const unheard = events.filter(
    (name) => !sources.some((text) => new RegExp(`events\\.on\\("${name}"|^ {2}"${name}",$`, "m").test(text)),
  );
  assert.deepEqual({ silent, unheard }, { silent: [], unheard: [] });
});
