import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../watcher/config/load.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { installation, madeCheckout } from "./made-checkout.ts";

const failingDaemon = "process.exit(1);\n";

/** What is installed below a root. */
function at(root: string) {
  const file = (path: string): string => readFileSync(join(root, path), "utf8");
  return {
    unit: () => file("etc/systemd/system/cnnt-edge.service"),
    folders: () =>
      file("etc/systemd/system/cnnt-edge.service.d/10-folders.conf")
        .split("\n")
        .filter((line) => line.startsWith("ReadWritePaths="))
        .map((line) => line.slice("ReadWritePaths=".length)),
    config: join(root, "etc/cnnt-edge/config.yaml"),
    /** Which version's program the process `pid` runs. */
    versionOf: (pid: number) =>
      /versions\/([^/]+)\/bin/.exec(readFileSync(`/proc/${pid}/cmdline`, "utf8"))?.[1] ?? "none",
    versions: () => readdirSync(join(root, "opt/cnnt-edge/versions")).filter((name) => !name.startsWith(".")),
  };
}

/** One that has ended may wait to be reaped by whoever inherited it. */
function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && /^State:\t[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

test("a first installation lays out program, unit, configuration and folders, and starts the daemon", async (t) => {
  const { root, run, calls, pid } = await installation(t);
  const checkout = await madeCheckout("1.0.0");
  const done = run(checkout, "--data", "/srv/scope", "--group", "imaging", "--node", process.execPath);
  assert.equal(done.status, 0, done.stderr);
  const { unit, folders, config, versionOf } = at(root);
  assert.ok(!/@[A-Z]+@/.test(unit() + readFileSync(config, "utf8")), "a placeholder is left");
  const written = await loadConfig(config);
  assert.equal(written.folders[0]?.path, "/srv/scope/incoming");
  assert.deepEqual(folders(), ['"-/srv/scope/denoised"', '"-/var/lib/cnnt-edge"']);
  assert.equal(lstatSync(join(root, "srv/scope/incoming")).mode & 0o7777, 0o1777);
  assert.equal(lstatSync(join(root, "srv/scope/denoised")).mode & 0o7777, 0o2775);
  assert.match(versionOf(pid()), /^1\.0\.0-[0-9a-f]{12}$/);
  assert.ok(calls().includes("enable cnnt-edge"));
});

test("a second run without --data keeps the folders and Node of the first, and leaves the daemon alone", async (t) => {
  const { root, run, calls, pid, quickNode } = await installation(t);
  const checkout = await madeCheckout("1.0.0");
  run(checkout, "--data", "/srv/scope", "--node", quickNode);
  const first = { unit: at(root).unit(), folders: at(root).folders(), pid: pid() };
  calls();
  const again = run(checkout);
  assert.equal(again.status, 0, again.stderr);
  assert.deepEqual({ unit: at(root).unit(), folders: at(root).folders(), pid: pid() }, first);
  assert.ok(!calls().some((call) => call.startsWith("restart")));
  assert.ok(!existsSync(join(root, "srv/cnnt-edge")), "folders of the default were made");
  const other = run(checkout, "--data", "/srv/other");
  assert.equal(other.status, 1);
  assert.match(other.stderr, /--data is for the first installation/);
});

test("an upgrade puts the new version beside the old one and replaces the running process", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  run(await madeCheckout("1.0.0"), "--node", quickNode);
  const before = pid();
  const { versionOf, versions } = at(root);
  const old = versionOf(before);
  const done = run(await madeCheckout("1.1.0"), "upgrade");
  assert.equal(done.status, 0, done.stderr);
  assert.notEqual(pid(), before);
  assert.match(versionOf(pid()), /^1\.1\.0-/);
  assert.ok(!runs(before), "the old daemon still runs");
  assert.ok(versions().includes(old), "the version to go back to is gone");
  // The same number with other code is another version too.
  run(await madeCheckout("1.1.0", 'console.log("ready"); setInterval(() => 1, 500);\n'), "upgrade");
  assert.equal(versions().length, 2);
  assert.ok(!versions().includes(old));
});

test("the daemon's own files stay those of its version while another one is installed", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  run(await madeCheckout("1.0.0"), "--node", quickNode);
  const old = at(root).versionOf(pid());
  const program = () => readFileSync(join(root, "opt/cnnt-edge/versions", old, "bin/cnnt-edge.js"), "utf8");
  const before = program();
  assert.equal(run(await madeCheckout("1.1.0", "// another\n"), "--no-start").status, 0);
  assert.equal(program(), before);
  assert.equal(at(root).versionOf(pid()), old);
  const status = run(await madeCheckout("1.1.0", "// another\n"), "status");
  assert.equal(status.status, 1, "it runs another version than is installed, and says nothing");
  assert.match(status.stdout, new RegExp(`^running +${old}$`, "m"));
});

test("a version that does not start gives way to the one before it", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  run(await madeCheckout("1.0.0"), "--node", quickNode);
  const old = at(root).versionOf(pid());
  const failed = run(await madeCheckout("1.1.0", failingDaemon));
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /version 1\.1\.0-\w+ does not start, so 1\.0\.0-\w+ runs again/);
  assert.equal(at(root).versionOf(pid()), old);
  assert.equal(run(await madeCheckout("1.0.0"), "status").status, 0);
});

test("a version that cannot read the configuration changes nothing", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  run(await madeCheckout("1.0.0"), "--node", quickNode);
  const before = { unit: at(root).unit(), pid: pid() };
  writeFileSync(at(root).config, "fodlers: []\n");
  const refused = run(await madeCheckout("1.1.0"), "--node", process.execPath);
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /there is no option "fodlers"/);
  assert.deepEqual({ unit: at(root).unit(), pid: pid() }, before);
});

test("rollback runs the version before, and again brings the newer one back", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  const first = await madeCheckout("1.0.0");
  run(first, "--node", quickNode);
  assert.match(run(first, "rollback").stderr, /there is no version before/);
  run(await madeCheckout("1.1.0"));
  for (const expected of [/^1\.0\.0-/, /^1\.1\.0-/]) {
    const done = run(first, "rollback");
    assert.equal(done.status, 0, done.stderr);
    assert.match(at(root).versionOf(pid()), expected);
    assert.equal(run(first, "status").status, 0);
  }
});

test("reconfigure lets the unit write to the folders of the changed configuration and starts it again", async (t) => {
  const { root, run, pid } = await installation(t);
  const checkout = await madeCheckout("1.0.0");
  run(checkout, "--node", process.execPath);
  const before = pid();
  writeFileSync(
    at(root).config,
    'folders: [{ name: a, path: /data/in, output: "/data/100% out", after: { move: /raw } }]\nstate: /var/lib/cnnt-edge\n',
  );
  const done = run(checkout, "reconfigure");
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stderr, /\/data\/100% out does not exist: make it/);
  assert.deepEqual(at(root).folders(), [
    '"-/data/in"',
    '"-/data/100%% out"',
    '"-/raw"',
    '"-/var/lib/cnnt-edge"',
  ]);
  const after = pid();
  assert.notEqual(after, before);
  writeFileSync(at(root).config, "fodlers: []\n");
  const refused = run(checkout, "reconfigure");
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /there is no option "fodlers"/);
  assert.equal(pid(), after);
});

test("uninstall keeps configuration, ledger and images; --purge keeps only images", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  const checkout = await madeCheckout("1.0.0");
  run(checkout, "--data", "/srv/scope", "--node", quickNode);
  for (const image of ["incoming/a.tif", "denoised/a.tif"]) writeFileSync(join(root, "srv/scope", image), "");
  writeFileSync(join(root, "var/lib/cnnt-edge/ledger.sqlite"), "");
  const before = pid();
  // An engineer's own drop-in.
  const own = join(root, "etc/systemd/system/cnnt-edge.service.d/override.conf");
  writeFileSync(own, "[Service]\nNice=0\n");
  for (let times = 0; times < 2; times += 1) {
    const removed = run(checkout, "uninstall");
    assert.equal(removed.status, 0, removed.stderr);
  }
  assert.ok(!runs(before), "the daemon still runs");
  assert.ok(!existsSync(join(root, "opt/cnnt-edge")));
  assert.ok(!existsSync(join(root, "etc/systemd/system/cnnt-edge.service")));
  for (const kept of [at(root).config, own, join(root, "var/lib/cnnt-edge/ledger.sqlite")]) {
    assert.ok(existsSync(kept), kept);
  }
  assert.equal(run(checkout, "--node", quickNode).status, 0);
  assert.deepEqual(at(root).folders(), ['"-/srv/scope/denoised"', '"-/var/lib/cnnt-edge"']);

  const misplaced = join(root, "var/lib/cnnt-edge/results/b.ome.tif");
  mkdirSync(join(misplaced, ".."));
  writeFileSync(misplaced, "");
  assert.match(run(checkout, "uninstall", "--purge").stderr, /there are images below/);
  assert.ok(existsSync(misplaced));
  rmSync(misplaced);
  assert.equal(run(checkout, "uninstall", "--purge").status, 0);
  for (const gone of ["etc/cnnt-edge", "var/lib/cnnt-edge", "etc/systemd/system/cnnt-edge.service.d"]) {
    assert.ok(!existsSync(join(root, gone)), gone);
  }
  assert.deepEqual(
    ["incoming/a.tif", "denoised/a.tif"].filter((image) => existsSync(join(root, "srv/scope", image))),
    ["incoming/a.tif", "denoised/a.tif"],
  );
});

test("an unpacked archive brings its own Node, and an upgrade from a checkout uses it", async (t) => {
  const { root, run, pid, quickNode } = await installation(t);
  run(await madeCheckout("1.0.0"), "--node", quickNode);
  const archive = await temporaryFolder();
  const app = await madeCheckout("1.1.0");
  spawnSync("cp", ["-a", app, join(archive, "app")]);
  mkdirSync(join(archive, "node/bin"), { recursive: true });
  writeFileSync(join(archive, "node/bin/node"), `#!/bin/sh\nexec ${quickNode} "$@"\n`, {
    mode: 0o755,
  });
  const done = run(join(archive, "app"));
  assert.equal(done.status, 0, done.stderr);
  rmSync(archive, { recursive: true });
  assert.match(at(root).unit(), /^ExecStart=\/opt\/cnnt-edge\/versions\/1\.1\.0-\w+\/node\/bin\/node /m);
  assert.match(at(root).versionOf(pid()), /^1\.1\.0-/);
  assert.equal(run(app, "rollback").status, 0);
  assert.match(at(root).unit(), new RegExp(`^ExecStart=${quickNode} `, "m"));
});

test("a configuration that is there is kept, also by the very first installation", async (t) => {
  const { root, run, quickNode } = await installation(t);
  mkdirSync(join(root, "etc/cnnt-edge"), { recursive: true });
  const text = "folders: [{ name: a, path: /in, output: /out }]\nstate: /var/lib/cnnt-edge\n";
  writeFileSync(at(root).config, text);
  assert.equal(run(await madeCheckout("1.0.0"), "--node", quickNode).status, 0);
  assert.equal(readFileSync(at(root).config, "utf8"), text);
  assert.ok(!existsSync(join(root, "srv")));
});

test("paths that a unit file cannot hold, a relative one, and unknown words are refused", async (t) => {
  const { run, quickNode } = await installation(t);
  const checkout = await madeCheckout("1.0.0");
  for (const data of ["/srv/my scope", "/srv/100%", "srv", "/var/lib/cnnt-edge/data"]) {
    const refused = run(checkout, "--node", quickNode, "--data", data);
    assert.equal(refused.status, 1, data);
    assert.match(refused.stderr, /^install\.sh: /);
  }
  assert.equal(run(checkout, "--frobnicate").status, 2);
  assert.equal(run(checkout, "frobnicate").status, 2);
});
