import { formatError } from "../../core/errors.ts";
import { looksLikeOmeXml } from "../ome/xml-read.ts";
import type { FormatReader } from "../plane/series-found.ts";
import { readOmeSeries } from "./ome-series.ts";

/** Reads a set of OME-TIFFs from its `.companion.ome` file: OME-XML on its own, which names the files. */
export const companionReader: FormatReader = {
  recognises: (head) => looksLikeOmeXml(new TextDecoder().decode(head)),
  async find(source, limits, reading) {
    const { file, size } = source;
    if (size > limits.maxTextBytes) {
      throw formatError("the OME-XML is larger than is allowed", {
        code: "ome-xml",
        file,
        found: `${size} bytes`,
        allowed: `${limits.maxTextBytes} bytes`,
        remedy: "Name a TIFF of the set instead.",
      });
    }
    const bytes = Buffer.allocUnsafe(size);
    await source.readInto(bytes, 0);
    return readOmeSeries({ file, xml: bytes.toString("utf8"), own: undefined, limits, reading });
  },
};
