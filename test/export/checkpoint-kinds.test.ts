import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { describeError, isEdgeError } from "../../core/errors.ts";
import { chooseWeights } from "../../export/cnnt/choose-weights.ts";
import { loadNetwork } from "../../export/cnnt/network.ts";
import { referenceForward } from "../../export/cnnt/reference.ts";
import { openCheckpoint } from "../../export/torch/checkpoint.ts";
import { readNpyTensor } from "../../formats/npy.ts";
import { architectureOf } from "./cnnt-fixtures.ts";

const folder = resolve(import.meta.dirname, "../fixtures/checkpoints");
const files = readdirSync(folder).filter((name) => /\.(pt|safetensors)$/.test(name));

for (const file of files) {
  const name = file.slice(0, file.lastIndexOf("."));
  test(`reads the weights of a checkpoint saved as ${name}`, async () => {
    const checkpoint = await openCheckpoint(join(folder, file));
    const architecture = await architectureOf(join(folder, `${name}.json`));
    const chosen = chooseWeights(checkpoint, name === "average-beside" ? "model" : undefined);
    const network = await loadNetwork(checkpoint, architecture, chosen).finally(() => checkpoint.close());
    const input = await readNpyTensor(join(folder, "input.npy"));
    const expected = await readNpyTensor(join(folder, `${name}.output.npy`));
    const output = referenceForward(network, { shape: input.shape, data: Float64Array.from(input.data) });
    assert.equal(output.data.length, expected.data.length);
    for (const [i, value] of expected.data.entries()) {
      // Computed in float64 on both sides; the expectation was rounded once to float32.
      assert.ok(
        Math.abs(value - (output.data[i] ?? 0)) <= 1e-6 * Math.max(1, Math.abs(value)),
        `${i}: ${value}`,
      );
    }
  });
}

test("every kind of file is among the fixtures", () => {
  assert.ok(files.length >= 11, files.join());
});

test("two networks in one checkpoint are listed, and one of them must be chosen", async () => {
  const checkpoint = await openCheckpoint(join(folder, "average-beside.pt"));
  const saying = (place?: string): string => {
    try {
      chooseWeights(checkpoint, place);
    } catch (error) {
      assert.ok(isEdgeError(error), String(error));
      return describeError(error);
    }
    throw new Error("not refused");
  };
  assert.match(
    saying(),
    /more than one network .*ema \(\d+ tensors\), model \(\d+ tensors\).*--state-dict ema or --state-dict model/,
  );
  assert.match(saying("average"), /found average; expected ema, model/);

  const name = "pre_cnnt.0.conv2d.bias";
  const [doubled, single] = await Promise.all(
    ["ema", "model"].map((place) => {
      const tensor = chooseWeights(checkpoint, place).tensors.get(name);
      assert.ok(tensor !== undefined);
      return checkpoint.read(tensor, name);
    }),
  );
  await checkpoint.close();
  assert.ok(doubled !== undefined && single !== undefined);
  // As test/peers/make-checkpoints.py wrote them.
  assert.deepEqual(
    [...doubled],
    [...single].map((value) => 2 * value),
  );
});

test("a bare pickle is refused as one", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "pickle-"));
  const file = join(scratch, "weights.pt");
  // pickle.dumps({}, 4)
  writeFileSync(file, Buffer.from("80047d942e", "hex"));
  try {
    await assert.rejects(
      openCheckpoint(file),
      (error) => isEdgeError(error) && /bare pickle/.test(error.found ?? ""),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test("a number of heads that does not split the channels is refused with those that do", async () => {
  const checkpoint = await openCheckpoint(join(folder, "half.pt"));
  const told = { ...(await architectureOf(join(folder, "half.json"))), n_head: 3 };
  const loading = loadNetwork(checkpoint, told).finally(() => checkpoint.close());
  await assert.rejects(
    loading,
    (error) =>
      isEdgeError(error, "cnnt-heads") && error.found === "3" && error.allowed === "one of 1, 2, 4, 8",
  );
});
