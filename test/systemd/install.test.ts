import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../watcher/config/load.ts";
import { repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";

const script = join(repository, "systemd/install.sh");

function run(...args: string[]) {
  return spawnSync("bash", [script, ...args], { encoding: "utf8" });
}

const withoutAnalyze =
  spawnSync("systemd-analyze", ["--version"]).error === undefined
    ? false
    : "Debian's package systemd is not installed";

test("it lays unit, configuration and folders, and takes away only what it brought", async () => {
  const root = await temporaryFolder();
  const installed = run("--root", root, "--node", process.execPath, "--data", "/srv/scope");
  assert.equal(installed.status, 0, installed.stderr);
  const unit = await readFile(join(root, "etc/systemd/system/cnnt-edge.service"), "utf8");
  assert.ok(!/@\w+@/.test(unit), "a placeholder is left");
  assert.match(unit, /^Type=notify$/m);
  assert.ok(!/^(PrivateDevices|DeviceAllow|MemoryDenyWriteExecute)=/m.test(unit), "the GPU would be hidden");
  const config = await loadConfig(join(root, "etc/cnnt-edge/config.yaml"));
  assert.equal(config.folders[0]?.path, "/srv/scope/incoming");

  await writeFile(join(root, "srv/scope/incoming/a.tif"), "an image");
  await mkdir(join(root, "var/lib/cnnt-edge"), { recursive: true });
  assert.equal(run("--uninstall", "--root", root).status, 0);
  assert.ok(!existsSync(join(root, "etc/systemd/system/cnnt-edge.service")));
  assert.ok(existsSync(join(root, "etc/cnnt-edge/config.yaml")));
  assert.equal(run("--uninstall", "--purge", "--root", root).status, 0);
  assert.ok(!existsSync(join(root, "etc/cnnt-edge")) && !existsSync(join(root, "var/lib/cnnt-edge")));
  assert.ok(existsSync(join(root, "srv/scope/incoming/a.tif")), "an image is gone");
});

test("a configuration that is there is kept", async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, "etc/cnnt-edge"), { recursive: true });
  await writeFile(join(root, "etc/cnnt-edge/config.yaml"), "instance: mine\n");
  assert.equal(run("--root", root, "--node", process.execPath).status, 0);
  assert.equal(await readFile(join(root, "etc/cnnt-edge/config.yaml"), "utf8"), "instance: mine\n");
});

test("paths that a unit file cannot hold, and a relative one, are refused", async () => {
  const root = await temporaryFolder();
  for (const data of ["/srv/my scope", "/srv/100%", "srv"]) {
    const refused = run("--root", root, "--node", process.execPath, "--data", data);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^install\.sh: /);
  }
  assert.equal(run("--frobnicate").status, 2);
});

test("systemd-analyze verify has nothing to say about the unit", { skip: withoutAnalyze }, async () => {
  const root = await temporaryFolder();
  run("--root", root, "--node", process.execPath);
  const unit = join(root, "etc/systemd/system/cnnt-edge.service");
  // There is no README on a machine where only the unit is tested; the program itself is.
  const verified = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stderr);
  const about = verified.stderr.split("\n").filter((line) => line.includes("cnnt-edge"));
  assert.deepEqual(about, []);
});
