import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { openLedger } from "../../watcher/ledger/ledger.ts";

/** A daemon that cannot start says why in one line, and its process ends by itself. */

const root = resolve(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "failed-start-"));
after(() => rmSync(scratch, { recursive: true }));
/** It is given up then, and the test fails: a process that hangs would never end. */
const mostMs = 60_000;

function places(name: string) {
  const folder = join(scratch, name);
  const [incoming, state] = [join(folder, "in"), join(folder, "state")];
  for (const one of [incoming, state]) mkdirSync(one, { recursive: true });
  const args = ["--in", incoming, "--out", join(folder, "out"), "--state", state];
  return { state, args: [...args, "--model", join(root, "models/identity")] };
}

async function watchEnds(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, [join(root, "bin/cnnt-edge.js"), "watch", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: mostMs,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stderr };
}

/** One line, without a stack or a word of a defect. */
function saysOnly(stderr: string, what: RegExp): void {
  const lines = stderr.trim().split("\n");
  assert.equal(lines.length, 1, stderr);
  assert.match(lines[0] ?? "", what);
  assert.doesNotMatch(stderr, /internal error|\n\s+at /);
}

test("a port that is in use ends the daemon's process", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const { args } = places("port");
  const { code, stderr } = await watchEnds([...args, "--mqtt-port", String(address.port)]);
  server.close();
  assert.equal(code, 1);
  saysOnly(
    stderr,
    /the embedded broker cannot listen .*EADDRINUSE.* Set mqtt\.port \(or --mqtt-port\) to a free port/,
  );
});

test("a ledger with damaged pages ends the daemon's process", async () => {
  const { args, state } = places("ledger");
  await (await openLedger(state, assert.fail)).close();
  const file = join(state, "ledger.sqlite");
  const descriptor = openSync(file, "r+");
  // The first page stays: the file still looks like a database.
  const from = 8192;
  writeSync(descriptor, Buffer.alloc(statSync(file).size - from, 0x5a), 0, undefined, from);
  closeSync(descriptor);
  const { code, stderr } = await watchEnds([...args, "--mqtt-port", "0"]);
  assert.equal(code, 1);
  saysOnly(stderr, /the ledger is damaged \(.*ledger\.sqlite.*\)|ledger\.sqlite: the ledger is damaged/);
});

test("a state folder that another daemon holds ends the second one's process", async () => {
  const { args, state } = places("locked");
  const ledger = await openLedger(state, assert.fail);
  const { code, stderr } = await watchEnds([...args, "--mqtt-port", "0"]);
  await ledger.close();
  assert.equal(code, 1);
  saysOnly(stderr, /another cnnt-edge watch is running on this state folder/);
});

test("an address of a broker that nobody can dial ends the daemon's process", async () => {
  const { args } = places("address");
  const { code, stderr } = await watchEnds([...args, "--mqtt", "mqtt://localhost:99999"]);
  assert.equal(code, 2);
  saysOnly(stderr, /--mqtt/);
});

test("a configuration that is not there is a wrong option, one that the machine does not give is not", async () => {
  const folder = join(scratch, "configurations");
  mkdirSync(folder);
  writeFileSync(join(folder, "file"), "");
  for (const missing of [join(folder, "none.yaml"), join(folder, "file", "c.yaml")]) {
    const { code, stderr } = await watchEnds(["--config", missing]);
    assert.equal(code, 2, stderr);
    saysOnly(stderr, /\.yaml: there is no such configuration.*Check the path given with --config/);
  }
  // Too many links on the way: something lies there, and the system does not open it.
  const loop = join(folder, "loop.yaml");
  symlinkSync(loop, loop);
  const { code, stderr } = await watchEnds(["--config", loop]);
  assert.equal(code, 1, stderr);
  saysOnly(stderr, /loop\.yaml: the configuration cannot be read \(found ELOOP\)/);
});
