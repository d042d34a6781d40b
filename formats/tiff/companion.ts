import { formatError } from "../../core/errors.ts";
import { openByteSource } from "../file/byte-source.ts";
import { looksLikeOmeXml } from "../ome/xml-read.ts";
import type { FormatReader } from "../plane/series-found.ts";
import { readOmeSeries } from "./ome-series.ts";

/** Reads a set of OME-TIFFs from its `.companion.ome` file: OME-XML on its own, which names the files. */
export const companionReader: FormatReader = {
  recognises: (head) => looksLikeOmeXml(new TextDecoder().decode(head)),
  async find(file, limits, signal) {
    const source = await openByteSource(file);
    try {
      if (source.size > limits.maxTextBytes) {
        throw formatError("the OME-XML is larger than is allowed", {
          code: "ome-xml",
          file,
          found: `${source.size} bytes`,
          allowed: `${limits.maxTextBytes} bytes`,
          remedy: "Name a TIFF of the set instead.",
        });
      }
      const bytes = Buffer.allocUnsafe(source.size);
      await source.readInto(bytes, 0);
      return await readOmeSeries({ file, xml: bytes.toString("utf8"), own: undefined, limits, signal });
    } finally {
      await source.close();
    }
  },
};
