import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { describeError, isEdgeError } from "../../core/errors.ts";
import { openCheckpoint } from "../../export/torch/checkpoint.ts";
import { runCommand } from "../commands/run-command.ts";
import { attacks } from "../hostile/attacks.ts";
import { mutateCheckpoints } from "../hostile/mutate-checkpoints.ts";

const hostile = resolve(import.meta.dirname, "../fixtures/hostile");
const scratch = mkdtempSync(join(tmpdir(), "hostile-"));
after(() => rmSync(scratch, { recursive: true }));

for (const [file, code, named] of [
  ["os-system.pt", "pickle-global", /names os\.system, .*nothing was run.*byte 2/],
  ["builtins-eval.pt", "pickle-global", /builtins\.eval/],
  ["linear-module.pt", "pickle-global", /torch\.nn\.modules\.linear\.Linear/],
  ["stack-global.pt", "pickle-global", /subprocess\.Popen/],
  ["reduce-of-text.pt", "pickle-malformed", /REDUCE of something that is no known name/],
  ["reduce-storage.pt", "pickle-reduce", /torch\.FloatStorage/],
  ["deep.pt", "pickle-malformed", /empty stack/],
  ["huge-string.pt", "pickle-cut", /cut/],
] as const) {
  test(`refuses ${file} with the name and the place`, async () => {
    await assert.rejects(openCheckpoint(join(hostile, file)), (error) => {
      assert.ok(isEdgeError(error, code), String(error));
      assert.match(describeError(error), named);
      return true;
    });
  });
}

test("a pickle that would run a command runs nothing: exit 1 and one line", async () => {
  const out = join(scratch, "package");
  const result = await runCommand([
    "export",
    join(hostile, "os-system.pt"),
    "--out",
    out,
    "--normalization",
    "none",
    "--intensity",
    "preserved",
  ]);
  assert.equal(result.code, 1);
  assert.match(result.stderr, /os\.system/);
  assert.equal(result.stderr.trim().split("\n").length, 1);
  assert.ok(!existsSync("/tmp/cnnt-edge-was-here"));
  assert.ok(!existsSync(out));
});

test("a zip file whose entries share bytes is refused", async () => {
  const original = readFileSync(resolve(import.meta.dirname, "../fixtures/checkpoints/half.pt"));
  // Point the second central directory entry at the first one's local header.
  const file = join(scratch, "overlap.pt");
  const bytes = Buffer.from(original);
  const signature = Buffer.from("PK\u0001\u0002", "latin1");
  const first = bytes.indexOf(signature);
  const second = bytes.indexOf(signature, first + 4);
  bytes.copy(bytes, second + 42, first + 42, first + 46);
  writeFileSync(file, bytes);
  await assert.rejects(openCheckpoint(file), (error) => isEdgeError(error) && /torch-zip/.test(error.code));
});

test("named pipes and devices are refused as such, and nothing waits for them", {
  timeout: 10_000,
}, async () => {
  const pipe = join(scratch, "pipe.pt");
  execFileSync("mkfifo", [pipe]);
  for (const file of [pipe, "/dev/zero"]) {
    await assert.rejects(openCheckpoint(file), (error) => isEdgeError(error, "file-not-regular"));
  }
});

test("what asks for gigabytes, minutes or a deep stack is refused by name, in less than 1 GB", () => {
  const program = resolve(import.meta.dirname, "../hostile/read-attacks.ts");
  const child = spawnSync(process.execPath, ["--import", import.meta.resolve("tsx"), program, scratch], {
    encoding: "utf8",
    maxBuffer: 1 << 20,
  });
  assert.equal(child.status, 0, child.stderr.slice(0, 2000));
  const readings = child.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { name: string; code: string; peakMb: number; lineLength: number });
  assert.deepEqual(
    readings.map(({ name, code }) => `${name}: ${code}`),
    attacks.map(({ name, code }) => `${name}: ${code}`),
  );
  for (const { name, peakMb, lineLength } of readings) {
    assert.ok(peakMb < 1000, `${name}: ${peakMb} MB`);
    assert.ok(lineLength < 1000, `${name}: a message of ${lineLength} characters`);
  }
});

test("every mutated checkpoint is read or refused with a typed error", async () => {
  const outcome = await mutateCheckpoints(120, scratch);
  assert.deepEqual(outcome.defects, []);
  assert.ok(outcome.peakMb < 1000, `${outcome.peakMb} MB`);
  assert.ok(outcome.refused > 20, `${outcome.refused} of 120 refused`);
});
