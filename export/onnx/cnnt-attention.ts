import type { BlockSet } from "../cnnt/block-sets.ts";
import {
  type Context,
  convolution,
  inputName,
  joinedConvolution,
  toSingle,
  toWorking,
} from "./cnnt-layers.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/**
 * `softmax(q kᵀ / sqrt(D)) v` between the frames of one batch entry, D = channels per head · height · width.
 * One convolution makes q, k and v: `[B·T, 3C, H, W]` read as `[B, T, 3·heads, D]`, heads before frames.
 */
export function attention(context: Context, set: BlockSet, cell: string, x: string): string {
  const { graph, network } = context;
  const name = `${cell}.attn`;
  const heads = network.architecture.n_head;
  const channels = set.channelsOut;
  const joined = joinedConvolution(context, name, channels, x);
  const batchAndDepth = graph.node("Shape", `/${name}/batch_depth`, [inputName], { start: 0, end: 2 });
  const headsAndLength = graph.integers(`/heads_${3 * heads}`, [3 * heads, -1]);
  const headsShape = graph.node("Concat", `/${name}/heads_shape`, [batchAndDepth, headsAndLength], {
    axis: 0,
  });
  const split = graph.node("Reshape", `/${name}/heads`, [joined, headsShape]);
  const headsFirst = graph.node("Transpose", `/${name}/heads_first`, [split], { perm: [0, 2, 1, 3] });
  const [query, key, value] = [`/${name}/query`, `/${name}/key`, `/${name}/value`];
  const thirds = graph.integers(`/thirds_${heads}`, [heads, heads, heads]);
  graph.split("Split", `/${name}/split`, [headsFirst, thirds], [query, key, value], { axis: 1 });
  const singleQuery = toSingle(context, `/${name}/query_single`, query);
  const singleKey = toSingle(context, `/${name}/key_single`, key);
  const centredKey = set.norm === "batch" ? fromMeanOfFrames(graph, name, singleKey) : singleKey;
  const keyTransposed = graph.node("Transpose", `/${name}/key_transposed`, [centredKey], {
    perm: [0, 1, 3, 2],
  });
  const products = graph.node("MatMul", `/${name}/products`, [singleQuery, keyTransposed]);
  const scores = graph.node("Div", `/${name}/scores`, [products, rootOfLength(graph, name, query)]);
  const weights = graph.node("Softmax", `/${name}/weights`, [scores], { axis: -1 });
  const workingWeights = toWorking(context, `/${name}/weights_half`, weights);
  const mixed = graph.node("MatMul", `/${name}/mixed`, [workingWeights, value]);
  const framesFirst = graph.node("Transpose", `/${name}/frames_first`, [mixed], { perm: [0, 2, 1, 3] });
  const heightWidth = graph.node("Shape", `/${name}/height_width`, [x], { start: 2 });
  const framesOf = graph.integers(`/frames_of_${channels}`, [-1, channels]);
  const framesShape = graph.node("Concat", `/${name}/frames_shape`, [framesOf, heightWidth], { axis: 0 });
  const y = graph.node("Reshape", `/${name}/frames`, [framesFirst, framesShape]);
  return convolution(context, `${name}.output_proj`, y);
}

/**
 * Keys `[B, heads, T, D]` less what all frames have in common. That part adds the same to every score of a row, which
 * softmax does not see, and costs the scores digits: unlike the other norms, batch norm does not bound a single image,
 * and scores of 200 whose differences were below 4 made half of the output's error (fixture `mixed`).
 */
function fromMeanOfFrames(graph: GraphBuilder, name: string, key: string): string {
  const mean = graph.node("ReduceMean", `/${name}/key_mean`, [key], { axes: [2] });
  return graph.node("Sub", `/${name}/key_centred`, [key, mean]);
}

/** sqrt(D) as a float, from the last dimension of `[B, heads, T, D]`. */
function rootOfLength(graph: GraphBuilder, name: string, query: string): string {
  const length = graph.node("Shape", `/${name}/length`, [query], { start: 3 });
  const asFloat = graph.node("Cast", `/${name}/length_float`, [length], { to: 1 });
  return graph.node("Sqrt", `/${name}/length_root`, [asFloat]);
}
