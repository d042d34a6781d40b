import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repository } from "../watcher/running-daemon.ts";
import { pageText } from "./fenced-blocks.ts";

const folders = ["bin", "core", "formats", "export", "runtime", "calibration", "watcher", "systemd"];
const sources = folders
  .flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|js|sh)$/.test(entry.name))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  )
  .join("\n");
const page = pageText("docs/trouble.md");

test("each error code on the page for trouble is one that the product gives", () => {
  const named = [...page.matchAll(/\((`[a-z0-9-]+`(?:, `[a-z0-9-]+`)*)\)/g)].flatMap(([, list = ""]) =>
    [...list.matchAll(/`([a-z0-9-]+)`/g)].map(([, code = ""]) => code),
  );
  assert.ok(named.length > 30, `${named.length} codes were found on the page`);
  assert.deepEqual(
    named.filter((code) => !sources.includes(`"${code}"`)),
    [],
  );
});

test("each message that the page for trouble quotes is said by the product in these words", () => {
  const quoted = [...page.matchAll(/"([^"\n]{12,})"/g)].map(([, text = ""]) => text);
  assert.ok(quoted.length > 20, `${quoted.length} messages were found on the page`);
  assert.deepEqual(
    quoted.filter((text) => !sources.includes(text)),
    [],
  );
});
