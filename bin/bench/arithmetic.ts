import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Architecture } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import { blockSets, stemChannels, trunkChannels } from "../../export/cnnt/block-sets.ts";
import { createGraphBuilder, type GraphBuilder } from "../../export/onnx/graph-builder.ts";
import { encodeModel } from "../../export/onnx/messages.ts";
import type { NetworkThread } from "../../runtime/engine/network-thread.ts";
import type { TileShape } from "../../runtime/job/network.ts";

const rounds = 8;
/** Rows and columns: large enough that nothing but the product takes time. */
const side = 2048;
const [frames, channelsIn, channelsOut, height, width] = [8, 64, 256, 64, 64];

/**
 * The most floating-point operations that this machine's cores do in a second, in float32, through the same runtime with the same
 * threads, the best of some rounds. Graphs are written into `folder`.
 */
export async function measureArithmeticPeak(network: NetworkThread, folder: string) {
  const productS = await bestS(network, join(folder, "product.onnx"), [side, side], (graph) =>
    graph.node("MatMul", "y", ["x", graph.floats("right", [side, side], wave(side * side))]),
  );
  const weights = [channelsOut, channelsIn, 3, 3];
  const image = [frames, channelsIn, height, width];
  const convolutionS = await bestS(network, join(folder, "convolution.onnx"), image, (graph) =>
    graph.node("Conv", "y", ["x", graph.floats("weights", weights, wave(elementCount(weights)))], {
      pads: [1, 1, 1, 1],
    }),
  );
  return {
    /** Of a product of two square matrices. */
    matrixProductFlops: (2 * side ** 3) / productS,
    /** Of a 3 x 3 convolution of many channels, as CNNT's mixers have: the runtime is often better at it than at products. */
    convolutionFlops: (2 * elementCount(weights) * frames * height * width) / convolutionS,
  };
}

/** Seconds inside the runtime of the fastest round; `build` gives a graph from "x" to "y". */
async function bestS(
  network: NetworkThread,
  file: string,
  shape: readonly number[],
  build: (graph: GraphBuilder) => void,
): Promise<number> {
  const graph = createGraphBuilder();
  build(graph);
  const model = {
    graphName: "peak",
    inputs: [{ name: "x", type: "float32", shape }],
    outputs: [{ name: "y", type: "float32", shape: shape.map((_, axis) => `axis_${axis}`) }],
    nodes: graph.nodes,
    initializers: graph.initializers,
    producerName: "cnnt-edge",
    producerVersion: "bench",
  } as const;
  await writeFile(file, Buffer.concat(encodeModel(model)));
  const names = { modelFile: file, inputName: "x", outputName: "y" };
  const input = wave(elementCount(shape));
  let best = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    best = Math.min(best, await network.runTensor(names, shape, input));
  }
  return best;
}

function wave(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).map((_, i) => (i % 17) / 17 - 0.5);
}

/**
 * Multiplications with an addition that a CNNT needs for one tile: those of its convolutions and of the two products of
 * attention. Norms, GELU, softmax and resizing are not counted, as is usual.
 */
export function multiplyAdds(architecture: Architecture, [depth, height, width]: TileShape): number {
  const kernel = architecture.kernel_size ** 2;
  const pixels = height * width;
  const convolution = (channelsIn: number, channelsOut: number, halvings = 0): number =>
    (kernel * channelsIn * channelsOut * depth * pixels) / 4 ** halvings;

  const sets = blockSets(architecture);
  let total = convolution(1, stemChannels) + convolution(stemChannels, trunkChannels);
  for (const { channelsIn, channelsOut: c, halvings } of sets) {
    // Query, key, value, and the projection of what attention gives; then the two convolutions of the mixer.
    const convolutions = 4 * convolution(c, c, halvings);
    const mixer = architecture.with_mixer ? 2 * convolution(c, 4 * c, halvings) : 0;
    const attention = (2 * depth * depth * c * pixels) / 4 ** halvings;
    total += convolution(channelsIn, c, halvings);
    total += architecture.blocks_per_set * (convolutions + mixer + attention);
  }
  total += convolution(sets.at(-1)?.channelsOut ?? 0, trunkChannels);
  return total + convolution(trunkChannels, stemChannels) + convolution(stemChannels, 1);
}
