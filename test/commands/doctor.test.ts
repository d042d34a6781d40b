import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkMemory,
  checkNode,
  checkProcessor,
  type MachineCheck,
} from "../../runtime/engine/machine-checks.ts";
import { runCommand } from "./run-command.ts";

test("doctor finds what denoising needs here, and a remedy for all that is missing", async () => {
  const { code, stdout } = await runCommand(["doctor", "--json"]);
  const { checks } = JSON.parse(stdout) as { checks: MachineCheck[] };
  const stateOf = (what: string): string | undefined => checks.find((check) => check.what === what)?.state;
  assert.equal(stateOf("provider cpu"), "ok");
  assert.equal(stateOf("model"), "ok");
  assert.equal(stateOf("Node"), "ok");
  for (const provider of ["cuda", "tensorrt", "webgpu"]) assert.ok(stateOf(`provider ${provider}`));
  for (const check of checks) assert.ok(check.state === "ok" || check.remedy, check.what);
  assert.equal(code, 0);
});

test("doctor exits with 1 where the model cannot be used", async () => {
  const { code, stdout, stderr } = await runCommand(["doctor", "--model", "/no/such/model"]);
  assert.equal(code, 1);
  assert.match(stdout, /broken {2}model: \/no\/such\/model: there is no such model folder/);
  assert.match(stdout, /\nNothing can be denoised until this is corrected: .*model.*\.\n$/);
  assert.equal(stderr, "");
});

test("tells a Node that is too old, a CPU without wide vectors, and short memory", () => {
  assert.equal(checkNode("20.18.3").state, "broken");
  assert.equal(checkNode("20.19.0").state, "ok");
  assert.equal(checkNode("24.0.0").state, "ok");
  assert.equal(checkProcessor("flags\t\t: fpu sse2 avx").state, "lacks");
  assert.match(checkProcessor("flags\t\t: fpu avx2 avx512f").found, /avx2 avx512f$/);
  assert.equal(checkMemory(8e9, 1e9).state, "lacks");
});
