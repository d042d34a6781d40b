import { formatError } from "../../core/errors.ts";

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
