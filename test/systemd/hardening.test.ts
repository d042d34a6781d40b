import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { quickSettle, repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { tinyTiff } from "../watcher/tiny-tiff.ts";
import { until } from "../watcher/until.ts";

const shipped = readFileSync(join(repository, "systemd/cnnt-edge.service"), "utf8");

function missing(program: string): boolean {
  return spawnSync(program, ["--version"]).error !== undefined;
}

const withoutAnalyze = missing("systemd-analyze") ? "Debian's package systemd is not installed" : false;

/** The shipped unit with this machine's Node and checkout filled in. */
async function filledUnit(): Promise<string> {
  const file = join(await temporaryFolder(), "cnnt-edge.service");
  const text = shipped.replaceAll("@NODE@", process.execPath).replaceAll("@VERSION@", repository);
  assert.ok(!/@[A-Z]+@/.test(text), "a placeholder is left");
  await writeFile(file, text);
  return file;
}

/** Values of a setting that may stand several times. */
function settings(name: string): string[] {
  return [...shipped.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value);
}

/** The system calls of a set, its sets within unfolded. */
function callsOf(name: string): string[] {
  if (!name.startsWith("@")) return [name];
  const { stdout } = spawnSync("systemd-analyze", ["syscall-filter", "--no-pager", name], {
    encoding: "utf8",
  });
  const members = stdout
    .split("\n")
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  assert.ok(members.length > 0, `systemd knows no set ${name}`);
  return members.flatMap(callsOf);
}

/** What the unit's SystemCallFilter refuses of all calls that systemd knows. */
function refusedCalls(): Set<string> {
  const allowed = new Set<string>();
  for (const value of settings("SystemCallFilter")) {
    const calls = value.replace(/^~/, "").split(" ").flatMap(callsOf);
    for (const call of calls) {
      if (value.startsWith("~")) allowed.delete(call);
      else allowed.add(call);
    }
  }
  assert.ok(allowed.size > 0, "the unit has no SystemCallFilter");
  return new Set(callsOf("@known").filter((call) => !allowed.has(call)));
}

test("systemd rates the unit's exposure at 2.0 or less", { skip: withoutAnalyze }, async () => {
  const { status, stdout } = spawnSync(
    "systemd-analyze",
    ["security", "--offline=true", "--no-pager", "--threshold=20", await filledUnit()],
    { encoding: "utf8" },
  );
  assert.equal(status, 0, stdout.trim().split("\n").at(-1));
});

test("systemd-analyze verify has nothing to say about the shipped unit", {
  skip: withoutAnalyze,
}, async () => {
  const verified = spawnSync("systemd-analyze", ["verify", await filledUnit()], { encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stderr);
  assert.deepEqual(
    verified.stderr.split("\n").filter((line) => line.includes("cnnt-edge")),
    [],
  );
});

test("the unit lets a GPU in, V8 compile, and does not start again after a wrong configuration", () => {
  assert.deepEqual(settings("DevicePolicy"), ["closed"]);
  assert.ok(settings("DeviceAllow").some((value) => /^char-nvidia\* r?w/.test(value)));
  for (const name of ["PrivateDevices", "MemoryDenyWriteExecute", "PrivateUsers"]) {
    assert.deepEqual(settings(name), [], name);
  }
  assert.deepEqual(settings("RestartPreventExitStatus"), ["2"]);
});

test("a job is done while every system call that the unit refuses is refused", {
  skip: withoutAnalyze || (missing("strace") ? "strace is not installed" : false),
  timeout: 120_000,
}, async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "in"));
  const model = join(repository, "models/identity");
  const group = process.getgid?.() ?? 0;
  const configuration = {
    folders: [{ name: "f", path: "in", output: "out", model, mode: "0664", group }],
    settle: quickSettle,
    jobs: { reserve_mib: 0 },
    mqtt: { port: 0 },
  };
  await writeFile(join(folder, "config.yaml"), JSON.stringify(configuration));
  const refused = refusedCalls();
  // `?`: systemd also names calls of other architectures, which strace does not know here.
  const set = [...refused].map((call) => `?${call}`).join(",");
  const log = join(folder, "calls");
  const watch = [join(repository, "bin/cnnt-edge.js"), "watch", "--config", join(folder, "config.yaml")];
  const daemon = spawn(
    "strace",
    // -D: the daemon, not strace, is our child. Only the named calls stop it, the others run at full speed.
    // biome-ignore format: an option and its value a line
    ["-D", "-f", "--seccomp-bpf", "-qq", "-o", log,
      "-e", `trace=socket,${set}`,
      "-e", `inject=${set}:error=EPERM`,
      process.execPath, ...watch],
    { stdio: ["ignore", "ignore", "pipe"], cwd: folder },
  );
  t.after(() => daemon.kill("SIGKILL"));
  let said = "";
  daemon.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await writeFile(join(folder, "in/a.tif"), tinyTiff(1));
  const result = join(folder, "out/a.denoised.ome.tif");
  await until("the result is there", () => existsSync(result) || daemon.exitCode !== null, 90_000);
  assert.ok(existsSync(result), said);
  assert.equal((await stat(result)).mode & 0o777, 0o664);
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null], said);

  const calls = (await readFile(log, "utf8")).split("\n");
  const names = calls.flatMap((line) => /^\d+ +(\w+)\(/.exec(line)?.[1] ?? []);
  assert.deepEqual([...new Set(names.filter((name) => refused.has(name)))], [], "it asked for refused calls");
  const families = new Set(calls.flatMap((line) => /socket\((AF_\w+)/.exec(line)?.[1] ?? []));
  assert.ok(families.size > 0, "no socket was seen, so nothing was traced");
  const allowed = settings("RestrictAddressFamilies").join(" ").split(" ");
  assert.deepEqual(
    [...families].filter((family) => !allowed.includes(family)),
    [],
  );
});
