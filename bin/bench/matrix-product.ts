import { writeFile } from "node:fs/promises";
import { createGraphBuilder } from "../../export/onnx/graph-builder.ts";
import { encodeModel } from "../../export/onnx/messages.ts";
import type { NetworkThread } from "../../runtime/engine/network-thread.ts";

/** Rows and columns: large enough that nothing but the product takes time. */
const side = 2048;
const rounds = 5;

/**
 * The most that this machine's cores multiply and add in a second, in floating-point operations: a product of two square
 * float32 matrices through the same runtime with the same threads, the best of some rounds. `file` is where the graph
 * is written.
 */
export async function matrixProductFlops(network: NetworkThread, file: string): Promise<number> {
  const graph = createGraphBuilder();
  const values = Float32Array.from({ length: side * side }, (_, i) => (i % 17) / 17 - 0.5);
  graph.node("MatMul", "product", ["left", graph.floats("right", [side, side], values)]);
  const model = {
    graphName: "product",
    inputs: [{ name: "left", type: "float32", shape: [side, side] }],
    outputs: [{ name: "product", type: "float32", shape: [side, side] }],
    nodes: graph.nodes,
    initializers: graph.initializers,
    producerName: "cnnt-edge",
    producerVersion: "bench",
  } as const;
  await writeFile(file, Buffer.concat(encodeModel(model)));
  let best = Infinity;
  for (let round = 0; round <= rounds; round += 1) {
    const begin = performance.now();
    const names = { modelFile: file, inputName: "left", outputName: "product" };
    await network.runTensor(names, [side, side], values.slice());
    // The first round loads the graph.
    if (round > 0) best = Math.min(best, (performance.now() - begin) / 1000);
  }
  return (2 * side ** 3) / best;
}
