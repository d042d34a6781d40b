import type { ModelPackage } from "./package-settings.ts";

/** Axes of our own networks: batch, depth, channel, height, width. */
export const ownAxes = "bzcyx";

/** The shapes of a network's input and output tensors for one tile of `[depth, height, width]`. */
export function tensorShapes(
  { zoo }: Pick<ModelPackage, "zoo">,
  tile: readonly [depth: number, height: number, width: number],
): { readonly input: readonly number[]; readonly output: readonly number[] } {
  return {
    input: shapeOf(zoo?.inputAxes ?? ownAxes, tile),
    output: shapeOf(zoo?.outputAxes ?? ownAxes, tile),
  };
}

/** One batch, one channel; of `z` and `t`, where both are there, `z` is the depth. */
function shapeOf(axes: string, [depth, height, width]: readonly [number, number, number]): number[] {
  const depthAxis = axes.includes("z") ? "z" : "t";
  const lengths: Readonly<Record<string, number>> = { [depthAxis]: depth, y: height, x: width };
  return [...axes].map((letter) => lengths[letter] ?? 1);
}
