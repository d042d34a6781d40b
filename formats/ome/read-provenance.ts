import { SaxesParser } from "saxes";
import type { Provenance } from "../plane/plane-sink.ts";
import { provenanceNamespace } from "./write-ome-xml.ts";

/**
 * What results of ours state of how they came about, from the OME-XML of the file, oldest first: a result that was
 * denoised again carries the statements of both times. Empty for files that are not ours. Pure.
 */
export function provenancesIn(xml: string): readonly Provenance[] {
  const found: [string, string][][] = [];
  let pairs: [string, string][] | undefined;
  let pair: [string, string] | undefined;
  const parser = new SaxesParser({ xmlns: true });
  // What cannot be read states nothing; the reader of the image has refused it.
  parser.on("error", () => undefined);
  parser.on("opentag", ({ local, attributes }) => {
    if (local === "MapAnnotation") {
      pairs = attributes["Namespace"]?.value === provenanceNamespace ? [] : undefined;
      if (pairs !== undefined) found.push(pairs);
    } else if (local === "M") pair = [attributes["K"]?.value ?? "", ""];
  });
  parser.on("text", (text) => {
    if (pair !== undefined) pair[1] += text;
  });
  parser.on("closetag", ({ local }) => {
    if (local === "M") {
      if (pair !== undefined) pairs?.push(pair);
      pair = undefined;
    } else if (local === "MapAnnotation") pairs = undefined;
  });
  parser.write(xml).close();
  return found;
}
