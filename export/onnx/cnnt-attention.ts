import type { BlockSet } from "../cnnt/block-sets.ts";
import { type Context, convolution, joinedConvolution, toSingle, toWorking } from "./cnnt-layers.ts";
import type { GraphBuilder } from "./graph-builder.ts";

/**
 * `softmax(q kᵀ / sqrt(D)) v` between frames, D = channels per head · height · width. One convolution makes q, k and v:
 * `[T, 3C, H, W]`, split and read as three of `[T, heads, D]`. Heads come before frames by a transpose of three
 * dimensions right before the product, which ONNX Runtime reads in place (its MatmulTransposeFusion knows no `[B, T,
 * heads, D]`): a twentieth of the network's time (bench/RESULTS.md).
 */
export function attention(context: Context, set: BlockSet, cell: string, x: string): string {
  const { graph, network } = context;
  const name = `${cell}.attn`;
  const channels = set.channelsOut;
  const joined = joinedConvolution(context, name, channels, x);
  const [query, key, value] = [`/${name}/query`, `/${name}/key`, `/${name}/value`] as const;
  const thirds = graph.integers(`/thirds_${channels}`, [channels, channels, channels]);
  graph.split("Split", `/${name}/split`, [joined, thirds], [query, key, value], { axis: 1 });
  const heads = graph.integers("/heads", [0, network.architecture.n_head, -1]);
  const inHeads = (maps: string): string => graph.node("Reshape", `${maps}_heads`, [maps, heads]);
  const headsFirst = (maps: string, perm: readonly number[] = [1, 0, 2]): string =>
    graph.node("Transpose", `${maps}_first`, [maps], { perm: [...perm] });

  const singleQuery = toSingle(context, `${query}_single`, inHeads(query));
  const singleKey = toSingle(context, `${key}_single`, inHeads(key));
  const centredKey = set.norm === "batch" ? fromMeanOfFrames(graph, name, singleKey) : singleKey;
  const products = graph.node("MatMul", `/${name}/products`, [
    headsFirst(singleQuery),
    headsFirst(centredKey, [1, 2, 0]),
  ]);
  const scores = graph.node("Div", `/${name}/scores`, [products, rootOfLength(graph, name, singleQuery)]);
  const weights = graph.node("Softmax", `/${name}/weights`, [scores], { axis: -1 });
  const workingWeights = toWorking(context, `/${name}/weights_half`, weights);
  const mixed = graph.node("MatMul", `/${name}/mixed`, [workingWeights, headsFirst(inHeads(value))]);
  const heightWidth = graph.node("Shape", `/${name}/height_width`, [x], { start: 2 });
  const framesOf = graph.integers(`/frames_of_${channels}`, [-1, channels]);
  const framesShape = graph.node("Concat", `/${name}/frames_shape`, [framesOf, heightWidth], { axis: 0 });
  const y = graph.node("Reshape", `/${name}/frames`, [headsFirst(mixed), framesShape]);
  return convolution(context, `${name}.output_proj`, y);
}

/**
 * Keys `[T, heads, D]` less what all frames have in common. That part adds the same to every score of a row, which
 * softmax does not see, and costs the scores digits: unlike the other norms, batch norm does not bound a single image,
 * and scores of 200 whose differences were below 4 made half of the output's error (fixture `mixed`).
 */
function fromMeanOfFrames(graph: GraphBuilder, name: string, key: string): string {
  const mean = graph.node("ReduceMean", `/${name}/key_mean`, [key], { axes: [0] });
  return graph.node("Sub", `/${name}/key_centred`, [key, mean]);
}

/** sqrt(D) as a float, from the last dimension of `[T, heads, D]`. */
function rootOfLength(graph: GraphBuilder, name: string, query: string): string {
  const length = graph.node("Shape", `/${name}/length`, [query], { start: 2 });
  const asFloat = graph.node("Cast", `/${name}/length_float`, [length], { to: 1 });
  return graph.node("Sqrt", `/${name}/length_root`, [asFloat]);
}
