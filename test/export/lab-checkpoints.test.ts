import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { describeError, isEdgeError } from "../../core/errors.ts";
import { chooseWeights, tellChoice } from "../../export/cnnt/choose-weights.ts";
import { type CnntNetwork, loadNetwork } from "../../export/cnnt/network.ts";
import { openCheckpoint } from "../../export/torch/checkpoint.ts";
import { runHere } from "../commands/run-command.ts";

const labs = resolve(import.meta.dirname, "../fixtures/labs");
const checkpoints = resolve(import.meta.dirname, "../fixtures/checkpoints");
const scratch = mkdtempSync(join(tmpdir(), "lab-checkpoints-"));
after(() => rmSync(scratch, { recursive: true }));

const stated = { n_head: 2, no_residual: false };
const someNames = [
  "pre_cnnt.0.conv2d.weight",
  "cnnt.up1.blocks.0.mlp.2.conv2d.weight",
  "pos_cnnt.1.conv2d.bias",
];

async function read(
  file: string,
  place?: string,
): Promise<{ network: CnntNetwork; told: string | undefined }> {
  const checkpoint = await openCheckpoint(file);
  try {
    const chosen = chooseWeights(checkpoint, place);
    return { network: await loadNetwork(checkpoint, stated, chosen), told: tellChoice(chosen) };
  } finally {
    await checkpoint.close();
  }
}

async function refusalOf(file: string, place?: string): Promise<string> {
  const error: unknown = await read(file, place).catch((cause: unknown) => cause);
  assert.ok(isEdgeError(error), `not refused, or not with a typed error: ${String(error)}`);
  return describeError(error);
}

const { network: plain } = await read(join(checkpoints, "half.pt"));

for (const [what, file, told] of [
  [
    "an average of the weights by torch (SWA)",
    "swa.pt",
    /own dict without the prefix "module\.".*left out.*n_averaged$/,
  ],
  [
    "a Lightning checkpoint with a loss and a metric beside the weights",
    "lightning.ckpt",
    /"state_dict" without the prefix "denoiser\.".*left out.*loss_fn\.weight, loss_fn\.bias, train_psnr\.total$/,
  ],
  [
    "the whole network, where a part of one and another network are beside it",
    "part-of-one-beside.pt",
    /"student" without the prefix "net\.module\._orig_mod\."$/,
  ],
  ["weights beside values of Python, NumPy and torch", "values-beside.pt", /tensors of "model"$/],
  ["the same values in pickle protocol 5", "values-beside-protocol-5.pt", /tensors of "model"$/],
  ["the same values in torch's stream form", "values-beside-stream.pt", /tensors of "model"$/],
] as const) {
  test(`reads ${what}, and says what was taken`, async () => {
    const { network, told: sentence } = await read(join(labs, file));
    for (const name of someNames) assert.deepEqual(network.weight(name), plain.weight(name), name);
    assert.match(sentence ?? "", told);
  });
}

test("an average beside the weights in one dict must be chosen by its prefix", async () => {
  const file = join(labs, "ema-and-online.pt");
  assert.match(
    await refusalOf(file),
    /online_model \(52 tensors\), ema_model \(52 tensors\).*--state-dict online_model or --state-dict ema_model/,
  );
  const { network: online } = await read(file, "online_model");
  const { network: average } = await read(file, "ema_model");
  const [name = ""] = someNames;
  assert.deepEqual(online.weight(name), plain.weight(name));
  assert.deepEqual(
    average.weight(name),
    plain.weight(name).map((value) => 2 * value),
  );
});

test("what was chosen, and from where, is told on the terminal and kept in rdf.yaml", async () => {
  const out = join(scratch, "from-lightning");
  const config = join(checkpoints, "half.json");
  const weights = join(labs, "lightning.ckpt");
  const result = await runHere(["export", weights, "--config", config, "--no-cover", "--out", out]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stderr, /weights: 52 tensors of "state_dict" without the prefix "denoiser\."/);
  const rdf = parse(readFileSync(join(out, "rdf.yaml"), "utf8")) as { config: { weights_from: unknown } };
  assert.deepEqual(rdf.config.weights_from, {
    state_dict: "state_dict",
    prefix: "denoiser.",
    tensors: 52,
    left_out: 3,
  });
});

test("expanded weights are refused with the way to save them whole", async () => {
  assert.match(
    await refusalOf(join(labs, "expanded.pt")),
    /expanded.*pre_cnnt\.0\.conv2d\.weight.*144 elements from 9 stored.*\.contiguous\(\) or \.clone\(\)/,
  );
});

test("a checkpoint of another network is refused with what it holds", async () => {
  const file = join(scratch, "other.safetensors");
  const header: Header = { "conv1.weight": { dtype: "F32", shape: [1], data_offsets: [0, 4] } };
  writeSafetensors(file, header, Buffer.alloc(4));
  assert.match(await refusalOf(file), /not the weights of a CNNT.*1 tensors, the first conv1\.weight/);
});

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

function writeSafetensors(file: string, header: Header, data: Buffer): void {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, data]));
}

/** The safetensors fixture (half precision) with elements of some tensors replaced. */
function withValues(name: string, change: (tensor: string, elements: Uint16Array) => void): string {
  const bytes = readFileSync(join(checkpoints, "safetensors.safetensors"));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes)) as Header;
  const data = Buffer.from(bytes.subarray(8 + headerBytes));
  for (const [
    tensor,
    {
      data_offsets: [begin, end],
    },
  ] of Object.entries(header)) {
    const elements = new Uint16Array(data.buffer, data.byteOffset + begin, (end - begin) / 2);
    change(tensor, elements);
  }
  const file = join(scratch, name);
  writeSafetensors(file, header, data);
  return file;
}

const [nan, infinity] = [0x7e00, 0xfc00];

test("weights that are NaN or infinite are counted, and the first tensor is named", async () => {
  const file = withValues("diverged.safetensors", (tensor, elements) => {
    if (tensor === "cnnt.down1.input_proj.conv2d.weight") elements.fill(nan, 0, 3);
    if (tensor === "pos_cnnt.1.conv2d.bias") elements.fill(infinity);
  });
  assert.match(
    await refusalOf(file),
    /diverged.*cnnt\.down1\.input_proj\.conv2d\.weight; found 3 NaN and 1 infinite in 2 of 52 tensors.*earlier checkpoint/,
  );
});

test("a convolution of zeros is refused by name; zero biases are weights like others", async () => {
  const zero = withValues("zero.safetensors", (tensor, elements) => {
    if (tensor === "cnnt.output_proj.conv2d.weight") elements.fill(0);
  });
  assert.match(await refusalOf(zero), /all zero.*cnnt\.output_proj\.conv2d\.weight; found 1 of/);
  const all = withValues("all-zero.safetensors", (_tensor, elements) => void elements.fill(0));
  assert.match(await refusalOf(all), /all zero.*found 26 of/);
  const biases = withValues("zero-biases.safetensors", (tensor, elements) => {
    if (tensor.endsWith(".bias")) elements.fill(0);
  });
  await read(biases);
});
