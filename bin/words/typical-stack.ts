import { describeError } from "../../core/errors.ts";
import { elementCount } from "../../core/tensor.ts";
import { chooseTiles, type TileWishes } from "../../runtime/plan/choose-tile.ts";
import { redundancy } from "../../runtime/plan/tile-plan.ts";
import { describeDuration } from "./progress.ts";

/** One that many microscopes write, of uint16. */
const stack = [20, 1024, 1024] as const;
const bytesPerSample = 2;

/** A sentence: how long such a stack will be in the network, in the tiles that it will get, or why it can get none. */
export function typicalStackWords(
  wishes: Omit<TileWishes, "stack" | "bytesPerSample">,
  networkVoxelsPerS: number,
): string {
  const [planes, height, width] = stack;
  const such = `A stack of ${width} x ${height} x ${planes}`;
  try {
    const work = elementCount(stack) * redundancy(chooseTiles({ ...wishes, stack, bytesPerSample }));
    return `${such} will take about ${describeDuration(work / networkVoxelsPerS)} (measured in the warm-up)`;
  } catch (error) {
    return `${such} cannot be denoised: ${describeError(error)}`;
  }
}
