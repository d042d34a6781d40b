import type { ErrorReport } from "../../core/errors.ts";
import type { Sighting } from "./sighting.ts";
import type { WholeFacts } from "./structural-check.ts";

/** What the scan tells about a file that came to rest. */
export type Finding =
  | {
      readonly kind: "whole";
      readonly sighting: Sighting;
      readonly facts: WholeFacts;
    }
  /** It may still become whole: waits. */
  | { readonly kind: "broken"; readonly sighting: Sighting; readonly error: ErrorReport }
  /** It was broken for too long, or nothing can make it readable. */
  | { readonly kind: "refused"; readonly sighting: Sighting; readonly error: ErrorReport }
  /** It belongs to the set of which `of` is the first file, and may have been told of before as broken. */
  | { readonly kind: "part"; readonly source: string; readonly of: string }
  /** It is not there any more, and was told of before. */
  | { readonly kind: "gone"; readonly source: string };
