import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from "saxes";
import type { PlaneSinkSpec } from "../plane/plane-sink.ts";
import {
  childOrder,
  omeNamespace,
  renamedSinceOlder,
  repairedId,
  unchangedSinceOlder,
  xmlAttribute,
  xmlText,
} from "./ome-schema.ts";
import { repairedUnit } from "./units.ts";

/** What must be known of an OME-XML document before it is carried on. */
interface OmeSurvey {
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

/** An element being copied. */
interface Frame {
  readonly name: string;
  /** The start tag without its end. */
  readonly start: string;
  /** Markup inside, by child name where the schema orders the children. */
  readonly content: string[];
  readonly ordered: Map<string, string[]> | undefined;
  /** Inside an annotation that may hold any XML: copied as it is. */
  readonly foreign: boolean;
}

/** What replaces the source's own in the carried document. */
/**
 * Copies an OME-XML document in the schema 2016-06, with one image and its new pixels: instrument, objective,
 * channels, planes, regions and annotations stay; other images, the places of the old pixels, and elements that
 * the schema does not have go. Of older schemas only what did not change its form is taken. Returns the markup of
 * everything inside the root element, and whether something of the source found no place: then its text should be kept
 * beside.
 */
export function carryOmeXml(
  xml: string,
  imageIndex: number,
  survey: OmeSurvey,
  spec: PlaneSinkSpec,
  parts: {
    /** Attributes of Pixels but its ID. */
    readonly pixelsAttributes: string;
    readonly tiffData: string;
    /** Channel elements for those that the source has none for, from this index on. */
    readonly channelsFrom: (index: number) => string;
    /** Goes to the end of Image, and of StructuredAnnotations. */
    readonly annotationReferences: string;
    readonly annotations: string;
  },
): { readonly content: string; readonly incomplete: boolean } {
  const older = survey.namespace !== omeNamespace;
  const { sizes, channels: sourceChannels } = spec.acquisition;
  const stack: Frame[] = [];
  /** Namespaces declared by each open element, outermost first. */
  const scopes: Record<string, string>[] = [];
  let skippedDepth = 0;
  let images = 0;
  let channels = 0;
  let incomplete = older;
  let content = "";

  /** Whether the element has a place in the result. Counts images and channels. */
  const isKept = (node: SaxesTagNS, name: string, parent: Frame | undefined): boolean => {
    if (parent?.foreign) return true;
    const known = older ? name in unchangedSinceOlder : node.uri === omeNamespace;
    const placed = parent?.ordered === undefined || parent.ordered.has(name);
    if (!known || !placed) {
      incomplete ||= !(parent?.name === "Pixels" && placesOfPixels.includes(name));
      return false;
    }
    const id = node.attributes["ID"]?.value ?? "";
    if (name === "Image" && parent?.name === "OME") {
      images += 1;
      return images - 1 === imageIndex;
    }
    if (name === "Channel" && parent?.name === "Pixels") {
      channels += 1;
      return channels <= sizes.c;
    }
    if (name === "Plane") {
      return (
        isBelow(node, "TheT", sizes.t) && isBelow(node, "TheC", sizes.c) && isBelow(node, "TheZ", sizes.z)
      );
    }
    if (name === "ImageRef") return !survey.otherImages.has(id);
    if (name === "ROI") return !survey.otherRegions.has(id);
    return name !== "HashSHA1";
  };

  const startOf = (node: SaxesTagNS, name: string, parent: Frame | undefined): string => {
    if (parent?.foreign) {
      const outermost = stack.at(-2)?.foreign === false;
      const namespaces = outermost ? inheritedNamespaces(scopes) : "";
      return `<${node.name}${namespaces}${Object.values(node.attributes).map(plainAttribute).join("")}`;
    }
    const kept = Object.values(node.attributes).filter(
      (attribute) => attribute.uri === "" && (!older || unchangedSinceOlder[name]?.has(attribute.local)),
    );
    if (name === "Pixels") {
      const id = node.attributes["ID"]?.value ?? "Pixels:0";
      return `<Pixels${xmlAttribute("ID", repairedId("Pixels", id))}${parts.pixelsAttributes}`;
    }
    if (name === "Channel" && parent?.name === "Pixels") return channelStart(kept, channels - 1);
    return `<${name}${kept.map((attribute) => omeAttribute(name, attribute)).join("")}`;
  };

  const channelStart = (attributes: readonly SaxesAttributeNS[], index: number): string => {
    const own = attributes.filter(({ local }) => local !== "SamplesPerPixel");
    const has = (name: string): boolean => own.some(({ local }) => local === name);
    return (
      `<Channel${has("ID") ? "" : xmlAttribute("ID", `Channel:0:${index}`)}` +
      own.map((attribute) => omeAttribute("Channel", attribute)).join("") +
      (has("Name") ? "" : xmlAttribute("Name", sourceChannels[index]?.name)) +
      xmlAttribute("SamplesPerPixel", 1)
    );
  };

  const endOf = (frame: Frame): string => {
    const of = (name: string): string => frame.ordered?.get(name)?.join("") ?? "";
    if (frame.name === "Pixels") {
      return `${frame.start}>${of("Channel")}${parts.channelsFrom(channels)}${parts.tiffData}${of("Plane")}</Pixels>`;
    }
    const inner =
      frame.ordered === undefined ? frame.content.join("") : [...frame.ordered.values()].flat().join("");
    const added = frame.foreign
      ? ""
      : frame.name === "Image"
        ? parts.annotationReferences
        : frame.name === "StructuredAnnotations"
          ? parts.annotations
          : "";
    const all = inner + added;
    return all === "" ? `${frame.start}/>` : `${frame.start}>${all}</${frame.name}>`;
  };

  const addText = (text: string): void => {
    const frame = stack.at(-1);
    if (skippedDepth === 0 && frame !== undefined && frame.ordered === undefined)
      frame.content.push(xmlText(text));
  };

  const parser = new SaxesParser({ xmlns: true });
  parser.on("opentag", (node) => {
    scopes.push(node.ns ?? {});
    const parent = stack.at(-1);
    const name = parent?.foreign
      ? node.name
      : ((older ? renamedSinceOlder[node.local] : undefined) ?? node.local);
    if (skippedDepth > 0 || !isKept(node, name, parent)) {
      skippedDepth += 1;
      return;
    }
    const order = parent?.foreign ? undefined : childOrder[name];
    stack.push({
      name,
      start: startOf(node, name, parent),
      content: [],
      ordered: order === undefined ? undefined : new Map(order.map((child) => [child, []])),
      foreign: parent?.foreign === true || (name === "Value" && parent?.name === "XMLAnnotation"),
    });
  });
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    scopes.pop();
    if (skippedDepth > 0) {
      skippedDepth -= 1;
      return;
    }
    const frame = stack.pop();
    const parent = stack.at(-1);
    if (frame === undefined) return;
    if (parent === undefined) {
      const annotations = frame.ordered?.get("StructuredAnnotations");
      if (annotations?.length === 0) {
        annotations.push(`<StructuredAnnotations>${parts.annotations}</StructuredAnnotations>`);
      }
      content = [...(frame.ordered?.values() ?? [])].flat().join("");
      return;
    }
    (parent.ordered?.get(frame.name) ?? parent.content).push(endOf(frame));
  });
  parser.write(xml).close();
  return { content, incomplete };
}

/** Dropped on purpose: they say where the source's pixels are. */
const placesOfPixels = ["BinData", "TiffData", "MetadataOnly"];

/** Planes that were announced and never taken have no place in the result. */
function isBelow(node: SaxesTagNS, attribute: string, size: number): boolean {
  const value = Number(node.attributes[attribute]?.value);
  return Number.isInteger(value) && value >= 0 && value < size;
}

function omeAttribute(element: string, { local, value }: SaxesAttributeNS): string {
  if (local === "ID") return xmlAttribute(local, repairedId(element, value));
  return xmlAttribute(local, local.endsWith("Unit") ? repairedUnit(value) : value);
}

function plainAttribute({ name, value }: SaxesAttributeNS): string {
  return xmlAttribute(name, value);
}

/** Declarations around the outermost foreign element (the last scope is its own), so that its prefixes keep their meaning. */
function inheritedNamespaces(scopes: readonly Record<string, string>[]): string {
  const own = scopes.at(-1) ?? {};
  const inherited: Record<string, string> = Object.assign({ "": "" }, ...scopes.slice(0, -1));
  return Object.entries(inherited)
    .filter(
      ([prefix, uri]) => !(prefix in own) && prefix !== "xml" && prefix !== "xmlns" && uri !== omeNamespace,
    )
    .map(([prefix, uri]) => xmlAttribute(prefix === "" ? "xmlns" : `xmlns:${prefix}`, uri))
    .join("");
}
