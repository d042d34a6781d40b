import { formatError, unsupportedError } from "../../core/errors.ts";

/**
 * What reading a pickle may cost. A pickle describes a checkpoint and does not hold its weights: that of the published
 * default network with its optimizer takes 160,000 steps and 100 kB.
 */

/** Bytes of the pickle that are held in memory. */
export const maxPickleBytes = 16 << 20;
/**
 * Steps: one for each opcode and each item copied, `costlySteps` for an opcode that makes or keeps an object (an empty
 * dict takes 200 bytes of memory). A history of a million losses fits; 250,000 objects do.
 */
const maxPickleSteps = 2_000_000;
export const costlySteps = 8;
/** Storages: one for each tensor, with an optimizer's three for each weight. Each costs a small read. */
export const maxStorages = 20_000;
/** Axes of a tensor: a convolution's weights have four or five. */
export const maxRank = 8;

/** Counts steps, and refuses the pickle that takes too many. */
export type SpendSteps = (steps: number, place: PicklePlace) => void;

export function stepCounter(): SpendSteps {
  let left = maxPickleSteps;
  return (steps, place) => {
    left -= steps;
    if (left < 0) throw tooMuch("its pickle takes too many steps", `more than ${maxPickleSteps}`, place);
  };
}

/** The file may be sound, but nothing that training writes for a CNNT is like this. */
export function tooMuch(what: string, found: string, place: PicklePlace) {
  return unsupportedError(`the checkpoint is larger than any CNNT: ${what}`, {
    code: "pickle-limit",
    file: place.file,
    at: `byte ${place.offset} of its pickle`,
    found,
    remedy: "Save the weights alone, as torch.save(model.state_dict(), path)",
  });
}

/** Where a refusal points to. */
export interface PicklePlace {
  readonly file: string;
  /** Byte offset in the pickle. */
  readonly offset: number;
}

export function malformed(found: string, place: PicklePlace) {
  return formatError("the checkpoint's pickle is damaged or of an unknown kind", {
    code: "pickle-malformed",
    file: place.file,
    at: `byte ${place.offset} of its pickle`,
    found,
    remedy: "Save the weights again, as torch.save(model.state_dict(), path)",
  });
}

/** The pickle goes on after the bytes at hand: a cut file, or a window that is too small. */
export function cutShort(place: PicklePlace) {
  return formatError("the checkpoint's pickle is cut", {
    code: "pickle-cut",
    file: place.file,
    at: `byte ${place.offset} of its pickle`,
    remedy: "Copy the file again",
  });
}
