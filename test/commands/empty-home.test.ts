import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { runCommand, runHere } from "./run-command.ts";

/** With its telemetry on, ONNX Runtime keeps a device ID and a database there as soon as its library is loaded. */

const identity = resolve(import.meta.dirname, "../../models/identity");
const scratch = mkdtempSync(join(tmpdir(), "empty-home-"));
const input = join(scratch, "simulated-0001.ome.tif");
after(() => rmSync(scratch, { recursive: true }));

before(async () => {
  const { code, stderr } = await runHere(["simulate", "--out", scratch, "--shape", "8,64,64"]);
  assert.equal(code, 0, stderr);
});

const commands: Readonly<Record<string, readonly string[]>> = {
  "denoise, which loads the ONNX Runtime on a thread,": [
    "denoise",
    input,
    "--model",
    identity,
    "--out",
    join(scratch, "denoised"),
  ],
  "verify, which loads it in a process of its own,": ["verify", identity],
};

for (const [name, args] of Object.entries(commands)) {
  test(`${name} leaves an empty home folder empty`, async () => {
    const home = join(scratch, `home of ${args[0]}`);
    mkdirSync(home);
    // An environment that says nothing of telemetry and of where caches lie.
    const env = { PATH: process.env["PATH"], HOME: home };
    const { code, stderr } = await runCommand(args, undefined, env);
    assert.equal(code, 0, stderr);
    assert.deepEqual(readdirSync(home, { recursive: true }), []);
  });
}

test("telemetry stays off where the environment asks for it", async () => {
  const home = join(scratch, "home that asks");
  mkdirSync(home);
  const env = { PATH: process.env["PATH"], HOME: home, ORT_DISABLE_TELEMETRY: "0" };
  const { code, stderr } = await runCommand(["verify", identity], undefined, env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(home, { recursive: true }), []);
});
