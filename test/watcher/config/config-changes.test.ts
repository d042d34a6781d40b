import assert from "node:assert/strict";
import { test } from "node:test";
import { configChanges } from "../../../watcher/config/config-changes.ts";
import { parseConfig } from "../../../watcher/config/load.ts";
import { resolveConfig } from "../../../watcher/config/resolve.ts";

const configOf = (written: object) =>
  resolveConfig(parseConfig(JSON.stringify(written), "test"), "/lab", "/opt");
const folder = (name: string, options: object = {}) => ({
  name,
  path: `in-${name}`,
  output: `out-${name}`,
  ...options,
});

test("a configuration that says the same in other words changes nothing", () => {
  const one = configOf({ folders: [folder("a"), folder("b")] });
  const other = configOf({
    folders: [folder("b"), folder("a", { order: "oldest", channels: {} })],
    settle: {},
  });
  assert.deepEqual(configChanges(one, other), { choices: [], later: [] });
});

test("folders that swap their names keep their models until the start that moves them", () => {
  const before = configOf({ folders: [folder("a", { model: "one" }), folder("b", { model: "two" })] });
  const after = configOf({
    folders: [
      { ...folder("b"), name: "a", model: "two" },
      { ...folder("a"), name: "b", model: "one" },
    ],
  });
  const { choices, later } = configChanges(before, after);
  assert.deepEqual(choices, []);
  assert.deepEqual(
    later.toSorted(),
    ["a", "b"].flatMap((name) => ["model", "output", "path"].map((key) => `folders.${key} (${name})`)).sort(),
  );
});

test("models are chosen at once, and every other option waits under its own name", () => {
  const before = configOf({ folders: [folder("a"), folder("b"), folder("c")], engine: { threads: 2 } });
  const after = configOf({
    instance: "two",
    folders: [folder("a", { channels: { 1: "pass" } }), folder("b", { after: "move: done" }), folder("d")],
    engine: { threads: 3 },
    mqtt: { url: "mqtt://broker" },
  });
  const { choices, later } = configChanges(before, after);
  assert.deepEqual(choices, [
    { name: "a", model: "/lab/models/default", channels: { 1: "pass" }, run_anyway: false },
  ]);
  assert.deepEqual(later, [
    "instance",
    "engine.threads",
    "mqtt.url",
    "folders.after (b)",
    "folders (c is gone)",
    "folders (d is new)",
  ]);
});
