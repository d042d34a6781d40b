import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openAcquisition } from "../../formats/open.ts";
import { asShipped } from "../as-shipped.ts";
import { ownMounts, withoutOwnMounts } from "../own-mounts.ts";
import { notifySocket, withoutNotify } from "../systemd/notify-socket.ts";
import { freePort, listen } from "../watcher/publish/brokers.ts";
import { repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { tinyTiff } from "../watcher/tiny-tiff.ts";
import { until } from "../watcher/until.ts";
import { runHere } from "./run-command.ts";

const program = join(repository, "bin/cnnt-edge.js");

interface Watching {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly warm: () => Promise<unknown>;
}

function watch(t: TestContext, cwd: string, args: string[], env = process.env): Watching {
  const child = spawn(process.execPath, [program, "watch", "--provider", "cpu", ...args], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  return { child, output: () => text, warm: () => until("it is warm", () => text.includes("Provider: cpu")) };
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

test("a daemon and its engine killed in mid-job leave nothing half done, and the job is done once after a start", async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const made = await runHere(["simulate", "--out", folder, "--shape", "24,128,128", "--scene", "ramp"]);
  assert.equal(made.code, 0, made.stderr);
  await mkdir(join(folder, "incoming"));
  const source = await readFile(join(folder, "simulated-0001.ome.tif"));
  await writeFile(join(folder, "incoming", "stack.ome.tif"), source);
  const denoised = join(folder, "denoised");

  const first = watch(t, folder, ["--mqtt-port", String(port)]);
  const partial = () =>
    readdir(denoised).then(
      (names) => names.some((name) => name.endsWith("-stack.denoised.ome.tif.partial")),
      () => false,
    );
  await until("the result is being written", partial);
  first.child.kill("SIGKILL");
  await ended(first.child);
  const left = await readdir(denoised);
  assert.deepEqual(
    left.filter((name) => !name.startsWith(".")),
    [],
  );

  const second = watch(t, folder, ["--mqtt-port", String(port)]);
  await second.warm();
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  await until("the job is done", () => heard.some(({ payload }) => payload["status"] === "done"), 120_000);
  second.child.kill("SIGTERM");
  assert.equal(await ended(second.child), 0);
  assert.deepEqual(await readdir(denoised), ["stack.denoised.ome.tif"]);
  const result = await openAcquisition(join(denoised, "stack.denoised.ome.tif"));
  assert.deepEqual(result.acquisition.sizes, { t: 1, c: 1, z: 24, y: 128, x: 128 });
  await result.close();
  const ends = heard.filter(({ topic, payload }) => !topic.endsWith("/last") && payload["status"] === "done");
  assert.equal(ends.length, 1);
  const attempts = heard
    .filter(({ payload }) => payload["status"] === "done")
    .map(({ payload }) => payload["attempt"]);
  assert.deepEqual([...new Set(attempts)], [2], second.output());
});

test("it says where things are and what runs, tells systemd, and ends well on SIGTERM", {
  skip: withoutNotify,
}, async (t) => {
  const folder = await temporaryFolder();
  const socket = await notifySocket(t);
  const { child, output, warm } = watch(
    t,
    folder,
    ["--mqtt-port", "0", "--model", join(repository, "models/identity")],
    { ...asShipped(), NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: "1000000" },
  );
  await warm();
  assert.match(
    output(),
    /configuration: the defaults, with --model, --provider, --mqtt-port\n.*drop files into \.\/incoming\n.*results appear in \.\/denoised\n {2}ledger: \.\/state\n.*mqtt:\/\/127\.0\.0\.1:\d+/s,
  );
  assert.match(
    output(),
    /A stack of 1024 x 1024 x 20 will take about \d+ (s|min)[^(]* \(measured in the warm-up\)/,
  );
  await until("READY is heard", () => socket.has("READY=1"));
  await until(
    "the watchdog is fed",
    () => socket.heard.filter(({ text }) => text === "WATCHDOG=1").length >= 2,
  );
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(9));
  await until("the result is there", () =>
    readdir(join(folder, "denoised")).then((names) => names.includes("a.denoised.ome.tif")),
  );
  child.kill("SIGTERM");
  assert.equal(await ended(child), 0);
  assert.ok(socket.has("STOPPING=1"));
});

test("a configuration with problems ends with code 2, all of them in one line and no stack trace", async (t) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "c.yaml"), "instance: A B\nfoo: 1\n");
  const { child, output } = watch(t, folder, ["--config", join(folder, "c.yaml")]);
  assert.equal(await ended(child), 2);
  assert.match(
    output(),
    /c\.yaml: the configuration has 2 problems: line 1, column 1: .*; line 2, column 1: there is no option "foo"/,
  );
  assert.equal(output().trim().split("\n").length, 1);
});

test("a password in the broker's address appears neither on the terminal nor in the list of processes", async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const address = `mqtt://scope:top-secret@127.0.0.1:${port}`;
  const { child, output } = watch(t, folder, [
    "--mqtt",
    address,
    "--model",
    join(repository, "models/identity"),
  ]);
  await until("the missing broker is told", () => output().includes("mqtt-down"));
  assert.match(output(), new RegExp(`MQTT: mqtt://127\\.0\\.0\\.1:${port} `));
  assert.doesNotMatch(output(), /secret/);
  // Linux tells the arguments of a process there.
  const list = await readFile(`/proc/${child.pid}/cmdline`, "utf8").catch(() => "");
  assert.doesNotMatch(list, /secret/);
  child.kill("SIGTERM");
  assert.equal(await ended(child), 0);
});

test("on a terminal each job that ends has a readable line, and Ctrl-C leaves the terminal clean", {
  skip:
    spawnSync("script", ["--version"]).error === undefined ? false : "script (util-linux) is not installed",
}, async (t) => {
  const folder = await temporaryFolder();
  // Without `exec` a shell that stays in between (dash) would end by Ctrl-C before the daemon does.
  const command = `exec "${process.execPath}" "${program}" watch --provider cpu --mqtt-port 0 --model "${join(repository, "models/identity")}"`;
  const terminal = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: folder,
    env: { ...process.env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => terminal.kill("SIGKILL"));
  let shown = "";
  terminal.stdout.on("data", (chunk) => {
    shown += chunk;
  });
  await until("it is warm", () => shown.includes("Provider: cpu"));
  await until("it says how to stop it", () => /Provider: cpu.*\r\n {2}Press Ctrl-C to stop\r\n/.test(shown));
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(9));
  const line =
    /\d\d:\d\d:\d\d a\.tif → denoised\/a\.denoised\.ome\.tif, \d+ s, [\d.e-]+ million voxels a second\r\n/;
  await until("the end is told", () => line.test(shown));
  terminal.stdin.write("\u0003");
  assert.equal(await ended(terminal), 0, shown);
  assert.doesNotMatch(shown, /\{"level"/);
  // Nothing is left on the last line: what was drawn there was taken away again.
  assert.ok(shown.endsWith("\n") || shown.endsWith("\r\u001b[K"), JSON.stringify(shown.slice(-40)));
});

test("a watch folder that is typed and missing ends with code 2; neither it nor anything else is made", async (t) => {
  const folder = await temporaryFolder();
  const { child, output } = watch(t, folder, ["--in", "share/incoming"]);
  assert.equal(await ended(child), 2);
  assert.match(output(), /share\/incoming: the folder of --in does not exist\. Make it, or mount its disk/);
  assert.equal(output().trim().split("\n").length, 1);
  assert.deepEqual(await readdir(folder), []);
});

test("flags leave the system's output and ledger alone, and the banner says what is used", {
  skip: withoutOwnMounts("/etc"),
}, async (t) => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "mine"));
  const model = join(repository, "models/identity");
  const system = {
    folders: [{ name: "f", path: folder, output: join(folder, "system-output"), model }],
    state: join(folder, "system-state"),
  };
  await writeFile(join(folder, "system.json"), JSON.stringify(system));
  const script =
    'mount -t tmpfs none /etc && mkdir /etc/cnnt-edge && cp system.json /etc/cnnt-edge/config.yaml && exec "$@"';
  const args = ["watch", "--in", "mine", "--mqtt-port", "0", "--model", model];
  const child = spawn(
    "unshare",
    [...ownMounts, "sh", "-c", script, "sh", process.execPath, program, ...args],
    {
      cwd: folder,
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await until("the banner is there", () => output.includes("MQTT:"));
  assert.match(
    output,
    /^ {2}configuration: the defaults, with --in, --model, --mqtt-port\n {2}\/etc\/cnnt-edge\/config\.yaml is not used, because --in is given; add --config \/etc\/cnnt-edge\/config\.yaml to use it with your flags\n/,
  );
  assert.match(output, /drop files into \.\/mine\n.*results appear in \.\/denoised\n {2}ledger: \.\/state\n/);
  child.kill("SIGTERM");
  await ended(child);
  const made = (await readdir(folder)).filter((name) => !["mine", "denoised", "system.json"].includes(name));
  assert.deepEqual(made, ["state"]);
});
