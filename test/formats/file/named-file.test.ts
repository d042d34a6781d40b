import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readCalibration } from "../../../calibration/pinned/read-calibration.ts";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { readNamedFile } from "../../../formats/file/named-file.ts";
import { loadConfig } from "../../../watcher/config/load.ts";
import { openBroker } from "../../../watcher/publish/broker-access.ts";

const scratch = mkdtempSync(join(tmpdir(), "named-"));
after(() => rmSync(scratch, { recursive: true }));
const pipe = join(scratch, "pipe");
execFileSync("mkfifo", [pipe]);

const withFile = (files: { password_file: string | null; ca: string | null }) =>
  openBroker(
    {
      url: "mqtt://127.0.0.1:1",
      username: "u",
      port: null,
      preview: null,
      preview_keep_h: null,
      expose_paths: false,
      ...files,
    },
    "id",
    "base",
  );

const readers: readonly [what: string, read: (file: string) => Promise<unknown>][] = [
  ["--config", loadConfig],
  ["--calibration", readCalibration],
  ["mqtt.password_file", (file) => withFile({ password_file: file, ca: null })],
  ["mqtt.ca", (file) => withFile({ password_file: null, ca: file })],
];
for (const [what, read] of readers) {
  for (const file of [pipe, "/dev/zero", scratch]) {
    test(`${what} refuses ${file === pipe ? "a pipe" : file === scratch ? "a folder" : file} at once`, async () => {
      // A read that blocks would hold the test for ever: whoever opens the pipe for writing lets it go.
      const release = setTimeout(() => execFileSync("sh", ["-c", `: <> ${pipe}`]), 3000);
      try {
        await assert.rejects(
          read(file),
          (error) => isEdgeError(error, "named-not-a-file") && describeError(error).includes(file),
        );
      } finally {
        clearTimeout(release);
      }
    });
  }
}

test("a file is read whole up to the longest that is allowed, and refused beyond", async () => {
  const file = join(scratch, "text");
  for (const bytes of [0, 1, 100]) {
    writeFileSync(file, "x".repeat(bytes));
    assert.equal((await readNamedFile(file, 100)).toString(), "x".repeat(bytes));
  }
  writeFileSync(file, "x".repeat(101));
  await assert.rejects(readNamedFile(file, 100), (error) => isEdgeError(error, "named-too-long"));
});
