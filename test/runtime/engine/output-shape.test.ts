import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { encodeModel } from "../../../export/onnx/messages.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { digestOfFile } from "../../../formats/file/file-digest.ts";
import { startNetworkThread } from "../../../runtime/engine/network-thread.ts";
import { makeTileBuffers } from "../../../runtime/job/network.ts";

const scratch = mkdtempSync(join(tmpdir(), "output-shape-"));
after(() => rmSync(scratch, { recursive: true }));

test("a network whose output has another shape than described is refused by name, whatever fits into it", async () => {
  const identity = await readPackage(resolve(import.meta.dirname, "../../../models/identity"));
  const modelFile = join(scratch, "model.onnx");
  const graph = encodeModel({
    graphName: "turned",
    inputs: [{ name: identity.inputName, type: "float32", shape: ["B", "T", 1, "H", "W"] }],
    outputs: [{ name: identity.outputName, type: "float32", shape: ["B", "T", 1, "W", "H"] }],
    nodes: [
      {
        name: "turned",
        opType: "Transpose",
        inputs: [identity.inputName],
        outputs: [identity.outputName],
        attributes: { perm: [0, 1, 2, 4, 3] },
      },
    ],
    initializers: [],
    producerName: "test",
    producerVersion: "0",
  });
  writeFileSync(modelFile, Buffer.concat(graph));
  const turned = { ...identity, modelFile, modelSha256: await digestOfFile(modelFile) };
  const network = startNetworkThread({ provider: "cpu", intraOpThreads: 1 }, "");
  try {
    const tile = [2, 8, 16] as const;
    await assert.rejects(network.run(turned, tile, makeTileBuffers(tile)), {
      code: "network-output-shape",
      file: modelFile,
      found: "1 x 2 x 1 x 16 x 8",
      allowed: "1 x 2 x 1 x 8 x 16",
    });
    // The thread goes on: a square tile has the shape that is described.
    const square = [2, 8, 8] as const;
    assert.ok((await network.run(turned, square, makeTileBuffers(square))) >= 0);
  } finally {
    await network.close();
  }
});
