import { unsupportedError } from "../../core/errors.ts";
import type { ByteSource } from "../file/byte-source.ts";
import { type NdText, readNd } from "./nd-text.ts";

/** Longer ones no program writes. */
const longestNdBytes = 4 * 2 ** 20;

/** Reads a whole `.nd` file. Throws `EdgeError` as `readNd`, and where it is longer than is allowed. */
export async function readNdFile(source: ByteSource): Promise<NdText> {
  const { file, size } = source;
  if (size > longestNdBytes) {
    throw unsupportedError("the .nd file is longer than is allowed", {
      code: "nd-size",
      file,
      found: `${size} bytes`,
      allowed: `at most ${longestNdBytes} bytes`,
      remedy: "Copy it again, or export the acquisition as OME-TIFF, for example from Fiji with Bio-Formats",
    });
  }
  const bytes = Buffer.alloc(size);
  await source.readInto(bytes, 0);
  return readNd(bytes.toString("latin1"), file);
}
