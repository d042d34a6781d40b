import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { readTrainingConfig } from "../../../export/cnnt/training-config.ts";

const scratch = mkdtempSync(join(tmpdir(), "training-config-"));
after(() => rmSync(scratch, { recursive: true }));

let written = 0;

async function read(text: string | Buffer) {
  written += 1;
  const file = join(scratch, `weights-${written}.json`);
  writeFileSync(file, text);
  return await readTrainingConfig(file);
}

/** The one line that a person reads when the configuration is refused. */
async function refusalOf(text: string | Buffer): Promise<string> {
  const error: unknown = await read(text).catch((cause: unknown) => cause);
  assert.ok(isEdgeError(error), `not refused, or not with a typed error: ${String(error)}`);
  return describeError(error);
}

for (const range of [
  [4096, 0],
  [5, 5],
  [-1e308, 1e308],
  [0, 5e-324],
]) {
  test(`an im_value_scale of ${range.join(", ")} is refused, because nothing can be scaled by it`, async () => {
    const line = await refusalOf(JSON.stringify({ per_scaling: false, im_value_scale: range }));
    assert.match(line, /im_value_scale.*the first number must be below the second/);
  });
}

/** As main.py of the published code writes it, with what wandb and the command line put into it. */
const published = {
  project: "CNNT",
  wandb_entity: "anna-lab",
  check_path: "/home/anna/logs/check",
  h5files: ["/data/anna/embryo 3.h5"],
  run_name: "embryo-anna",
  run_notes: "for Dr. Smith",
  blocks: [8, 8],
  blocks_per_set: 1,
  n_head: 2,
  kernel_size: 3,
  stride: 1,
  padding: 1,
  norm_mode: "instance",
  with_mixer: 1,
  no_residual: false,
  per_scaling: false,
  im_value_scale: [0, 4096],
  loss: ["mse", "ssim"],
  optim: "adamw",
  scheduler: "/home/anna/scheduler.py",
  loss_weights: { anna: 1 },
  date: "01-02-2026_T03-04-05",
};

test("entries that describe the network and its training are kept; paths, names and accounts are not", async () => {
  const { kept, dropped } = await read(JSON.stringify(published));
  assert.deepEqual(kept, {
    blocks: [8, 8],
    blocks_per_set: 1,
    n_head: 2,
    kernel_size: 3,
    stride: 1,
    padding: 1,
    norm_mode: "instance",
    with_mixer: 1,
    no_residual: false,
    per_scaling: false,
    im_value_scale: [0, 4096],
    loss: ["mse", "ssim"],
    optim: "adamw",
  });
  assert.equal(dropped, Object.keys(published).length - Object.keys(kept).length);
  assert.doesNotMatch(JSON.stringify(kept), /anna|Smith|home/);
});

const plain = await read(JSON.stringify(published));
const asWandb = Object.fromEntries(
  Object.entries(published).map(([key, value]) => [key, { desc: null, value }]),
);

for (const [what, text] of [
  ["with a byte-order mark", `\ufeff${JSON.stringify(published)}`],
  ["in UTF-16, as PowerShell writes", Buffer.from(`\ufeff${JSON.stringify(published)}`, "utf16le")],
  [
    "under `config`, as training's best.json has it",
    JSON.stringify({ val_loss: 0.5, epoch: 3, config: published }),
  ],
  [
    "of wandb, with `value` in each entry",
    JSON.stringify({ wandb_version: 1, ...asWandb, _wandb: { value: {} } }),
  ],
  ["of wandb under `config`", JSON.stringify({ config: asWandb })],
  [
    "with Python's NaN and Infinity",
    JSON.stringify({ ...published, x: "NaN" }).replace('"NaN"', "[NaN, -Infinity]"),
  ],
] as const) {
  test(`a configuration ${what} is read like the plain one`, async () => {
    const config = await read(text);
    assert.deepEqual(config.architecture, plain.architecture);
    assert.deepEqual(config.scaling, plain.scaling);
    assert.deepEqual(config.kept, plain.kept);
  });
}

for (const [what, text, line] of [
  ["nested 400,000 deep", `${"[".repeat(400_000)}${"]".repeat(400_000)}`, /not one that training writes/],
  ["nested deep inside", `{"config":${'{"a":'.repeat(150_000)}1${"}".repeat(150_001)}`, undefined],
  ["that is a list", "[1, 2]", /not one that training writes/],
  ["that is cut", '{"n_head": 8', /not JSON/],
  ["of 2 MB", `{"x": "${"x".repeat(2 << 20)}"}`, /larger than .*at most 1048576 bytes/],
  ["with a stride of 2", '{"stride": 2}', /stride.*only 1/],
  [
    "whose padding does not keep the size",
    '{"kernel_size": 5, "padding": 1}',
    /padding.*2 for a kernel of 5/,
  ],
] as const) {
  test(`a configuration ${what} ${line === undefined ? "costs nothing" : "is refused in one line"}`, async () => {
    if (line === undefined) assert.deepEqual((await read(text)).kept, {});
    else assert.match(await refusalOf(text), line);
  });
}

test("a named pipe as configuration is refused, and nothing waits for it", { timeout: 10_000 }, async () => {
  const pipe = join(scratch, "pipe.json");
  execFileSync("mkfifo", [pipe]);
  await assert.rejects(readTrainingConfig(pipe), (error) => isEdgeError(error, "file-not-regular"));
});
