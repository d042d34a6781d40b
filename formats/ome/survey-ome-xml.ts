import { SaxesParser } from "saxes";

/** What must be known of an OME-XML document before it is carried on. */
export interface OmeSurvey {
  /** Namespace of the root element. */
  readonly namespace: string;
  /** The IDs of all images but the chosen one. */
  readonly otherImages: ReadonlySet<string>;
  /** Regions that other images refer to and the chosen one does not. */
  readonly otherRegions: ReadonlySet<string>;
}

/** Nothing where the text is no well-formed OME-XML with an image of that index and metadata of its own. */
export function surveyOmeXml(xml: string, imageIndex: number): OmeSurvey | undefined {
  let namespace: string | undefined;
  let failed = false;
  let images = 0;
  let depth = 0;
  const otherImages = new Set<string>();
  const regions = { chosen: new Set<string>(), other: new Set<string>() };

  const parser = new SaxesParser({ xmlns: true });
  parser.on("error", () => {
    failed = true;
  });
  parser.on("opentag", (node) => {
    const id = node.attributes["ID"]?.value;
    if (depth === 0) namespace = node.local === "OME" ? node.uri : undefined;
    else if (depth === 1 && node.local === "BinaryOnly") failed = true;
    else if (depth === 1 && node.local === "Image") {
      if (images !== imageIndex && id !== undefined) otherImages.add(id);
      images += 1;
    } else if (depth === 2 && node.local === "ROIRef" && id !== undefined) {
      (images - 1 === imageIndex ? regions.chosen : regions.other).add(id);
    }
    depth += 1;
  });
  parser.on("closetag", () => {
    depth -= 1;
  });
  parser.write(xml).close();

  if (failed || namespace === undefined || images <= imageIndex) return undefined;
  const otherRegions = new Set([...regions.other].filter((id) => !regions.chosen.has(id)));
  return { namespace, otherImages, otherRegions };
}
