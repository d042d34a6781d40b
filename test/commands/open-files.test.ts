import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { checkOpenFiles } from "../../runtime/engine/machine-checks.ts";
import { asShipped } from "../as-shipped.ts";
import { repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";

const program = join(repository, "bin/cnnt-edge.js");
const skip = !existsSync("/proc/self/limits") && "needs Linux";

function withOpenFiles(limit: number, cwd: string, ...args: string[]) {
  const command = ["-c", `ulimit -n ${limit}; exec "$@"`, "sh", process.execPath, program, ...args];
  return spawnSync("sh", command, { cwd, env: asShipped(), encoding: "utf8", timeout: 60_000 });
}

/** With fewer, Node itself does not start: 22 and 24 have more files open than 20 when they read the first of ours. */
const fewest = Number(process.versions.node.split(".")[0]) > 20 ? 30 : 20;

for (const limit of [fewest, 40, 255]) {
  test(`a command that may open ${limit} files at the same time refuses in one line`, { skip }, async () => {
    const { status, stdout, stderr } = withOpenFiles(limit, await temporaryFolder(), "watch");
    assert.equal(status, 1, stderr);
    assert.equal(
      stderr,
      `cnnt-edge: too few files may be open at the same time (found ${limit}; expected at least 256). Raise the limit: ulimit -n 1024 in a shell, LimitNOFILE=1024 in a unit of systemd, --ulimit nofile=1024 for a container\n`,
    );
    assert.equal(stdout, "");
  });
}

test("as many open files as the smallest number allowed are enough to start", { skip }, async () => {
  const { status, stderr } = withOpenFiles(256, await temporaryFolder(), "--version");
  assert.deepEqual([status, stderr], [0, ""]);
});

test("doctor names the limit of open files, and says where it is small", () => {
  assert.deepEqual(checkOpenFiles(4096), { what: "open files", state: "ok", found: "up to 4096" });
  assert.equal(checkOpenFiles(undefined).state, "ok");
  const little = checkOpenFiles(256);
  assert.equal(little.state, "lacks");
  assert.match(little.remedy ?? "", /ulimit -n 1024/);
});
