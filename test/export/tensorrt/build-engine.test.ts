import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { buildEngine, type EngineRequest } from "../../../export/tensorrt/build-engine.ts";
import { withPreparedEngine } from "../../../runtime/engine/prepared-engine.ts";

const scratch = mkdtempSync(join(tmpdir(), "tensorrt-"));
after(() => rmSync(scratch, { recursive: true }));
const realPath = process.env["PATH"] ?? "";
after(() => {
  process.env["PATH"] = realPath;
});

/** Stands in for NVIDIA's programs, which need a GPU; it shows that they are called rightly, not that they work. */
function program(name: string, script: string): void {
  writeFileSync(join(scratch, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(scratch, name), 0o755);
}

async function request(lines: string[]): Promise<EngineRequest> {
  const dir = join(scratch, "package");
  cpSync(resolve(import.meta.dirname, "../../../models/identity"), dir, { recursive: true });
  return {
    model: await readPackage(dir),
    shape: [2, 8, 8],
    precision: "fp16",
    productVersion: "0",
    onProgress: (line) => void lines.push(line),
    signal: new AbortController().signal,
  };
}

test("without trtexec the exact command is given and nothing is built", async () => {
  const wanted = await request([]);
  const outcome = await buildEngine(wanted);
  assert.equal(outcome.kind, "no-trtexec");
  assert.ok(outcome.kind === "no-trtexec");
  assert.match(outcome.command, /^trtexec --onnx=.*model\.onnx --saveEngine=engine\.plan --stronglyTyped/);
});

test("an engine is built once per machine and model, with every line passed on", async () => {
  process.env["PATH"] = `${scratch}${delimiter}${realPath}`;
  program("nvidia-smi", 'echo "NVIDIA H200, 580.159"');
  program(
    "trtexec",
    'case "$1" in --help) echo "&&&& RUNNING TensorRT.trtexec [TensorRT v101300]"; exit;; esac\necho building\nfor a in "$@"; do case "$a" in --saveEngine=*) echo plan > "${a#--saveEngine=}";; esac; done',
  );
  const lines: string[] = [];
  const wanted = await request(lines);
  const outcome = await buildEngine(wanted);
  assert.ok(outcome.kind === "built");
  assert.deepEqual(lines, ["building"]);
  assert.equal(readFileSync(outcome.engineFile, "utf8"), "plan\n");
  const model = readFileSync(outcome.contextModel);
  assert.ok(model.includes("EPContext") && model.includes("engine.plan") && model.includes("101300"));
  const taken = await withPreparedEngine(wanted.model, () =>
    Promise.resolve({ gpu: "NVIDIA H200", driver: "580.159", tensorRtVersion: "101300" }),
  );
  assert.equal(taken.modelFile, outcome.contextModel);
  assert.equal((await buildEngine(wanted)).kind, "cached");
  const other = await buildEngine({ ...wanted, precision: "fp32" });
  assert.equal(other.kind, "built");
});

test("a build that fails leaves no engine and says what the builder said last", async () => {
  program("trtexec", 'case "$1" in --help) exit;; esac\necho "out of workspace" >&2\nexit 3');
  const wanted = { ...(await request([])), shape: [4, 8, 8] as const };
  await assert.rejects(buildEngine(wanted), (error) => {
    assert.ok(isEdgeError(error, "tensorrt-build-failed"));
    assert.match(error.found ?? "", /ended with 3: out of workspace/);
    return true;
  });
  assert.ok(!existsSync(join(wanted.model.dir, "tensorrt", "engine.plan.partial")));
});
