import { promisify } from "node:util";
import { inflate } from "node:zlib";

const inflateAsync = promisify(inflate);

/**
 * Inflates a zlib stream of at most `maxBytes`. Undefined where the stream is damaged, cut, or unpacks to more:
 * not a byte more than allowed is ever held.
 */
export async function inflateBounded(input: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    return await inflateAsync(input, { maxOutputLength: maxBytes });
  } catch {
    return undefined;
  }
}
