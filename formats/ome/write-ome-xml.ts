import { randomUUID } from "node:crypto";
import type { SampleType, Sizes } from "../../core/acquisition.ts";
import type { PlaneSinkSpec, Provenance } from "../plane/plane-sink.ts";
import { carryOmeXml, surveyOmeXml } from "./carry-ome-xml.ts";
import { olderOmeNamespaces, omeNamespace, xmlAttribute, xmlText } from "./ome-schema.ts";
import { omeDuration, omeLength } from "./units.ts";

/** OME-XML of the schema 2016-06 for a single-file OME-TIFF with one image. */

/** Where our pairs of provenance are found among the annotations of an image. */
export const provenanceNamespace = "cnnt-edge/provenance/1";

/** The source's own words, carried as they were. */
const originalMetadataNamespace = "cnnt-edge/original-metadata/1";

const pixelTypes: Readonly<Record<SampleType, string>> = {
  uint8: "uint8",
  int8: "int8",
  uint16: "uint16",
  int16: "int16",
  uint32: "uint32",
  int32: "int32",
  float32: "float",
  float64: "double",
};

/**
 * The whole document. The metadata of an OME source is carried on; the source's text is kept in a
 * comment where that is not possible, or not all of it.
 */
export function omeXmlOf(spec: PlaneSinkSpec, provenance: Provenance): string {
  return carriedDocument(spec, provenance) ?? freshDocument(spec, provenance);
}

function carriedDocument(spec: PlaneSinkSpec, provenance: Provenance): string | undefined {
  const { original, sizes, channels } = spec.acquisition;
  if (original.kind !== "ome-xml") return undefined;
  const { xml, imageIndex } = original;
  const survey = surveyOmeXml(xml, imageIndex);
  if (survey === undefined) return undefined;
  if (survey.namespace !== omeNamespace && !olderOmeNamespaces.has(survey.namespace)) return undefined;

  const carry = (kept: string) => {
    const annotations = annotationsOf(provenance, kept, xml);
    return carryOmeXml(xml, imageIndex, survey, spec, {
      pixelsAttributes: pixelsAttributes(spec),
      tiffData: tiffDataXml(sizes),
      channelsFrom: (first) =>
        channels
          .slice(first)
          .map((channel, index) => channelXml(first + index, channel.name))
          .join(""),
      annotationReferences: annotations.references,
      annotations: annotations.elements,
    });
  };
  const carried = carry("");
  return document(carried.incomplete ? carry(xml).content : carried.content);
}

function freshDocument(spec: PlaneSinkSpec, provenance: Provenance): string {
  const { original, name, sizes, channels } = spec.acquisition;
  const kept = original.kind === "ome-xml" ? original.xml : original.kind === "text" ? original.text : "";
  const annotations = annotationsOf(provenance, kept, "");
  return document(
    `<Image ID="Image:0"${xmlAttribute("Name", name)}>` +
      `<Pixels ID="Pixels:0"${pixelsAttributes(spec)}>` +
      channels.map((channel, index) => channelXml(index, channel.name)).join("") +
      `${tiffDataXml(sizes)}</Pixels>${annotations.references}</Image>` +
      `<StructuredAnnotations>${annotations.elements}</StructuredAnnotations>`,
  );
}

/** The root element around `content`, with a UUID of its own: a result is a new file, whatever it came from. */
function document(content: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<OME xmlns="${omeNamespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"` +
    ` xsi:schemaLocation="${omeNamespace} ${omeNamespace}/ome.xsd"` +
    ` Creator="cnnt-edge" UUID="urn:uuid:${randomUUID()}">${content}</OME>`
  );
}

/** Attributes of Pixels but its ID: what was written, and the physical sizes of the source. */
function pixelsAttributes(spec: PlaneSinkSpec): string {
  const { sizes, pixelSize, significantBits, sampleType, timeIncrement } = spec.acquisition;
  const quantities = (
    [
      ["PhysicalSizeX", omeLength(pixelSize.x)],
      ["PhysicalSizeY", omeLength(pixelSize.y)],
      ["PhysicalSizeZ", omeLength(pixelSize.z)],
      ["TimeIncrement", omeDuration(timeIncrement)],
    ] as const
  ).map(
    ([name, quantity]) => xmlAttribute(name, quantity?.value) + xmlAttribute(`${name}Unit`, quantity?.unit),
  );
  return [
    xmlAttribute("DimensionOrder", spec.fastest === "t" ? "XYTCZ" : "XYZCT"),
    xmlAttribute("Type", pixelTypes[spec.sampleType]),
    xmlAttribute("SignificantBits", sampleType === spec.sampleType ? significantBits : undefined),
    xmlAttribute("BigEndian", "false"),
    xmlAttribute("SizeX", sizes.x),
    xmlAttribute("SizeY", sizes.y),
    xmlAttribute("SizeZ", sizes.z),
    xmlAttribute("SizeC", sizes.c),
    xmlAttribute("SizeT", sizes.t),
    ...quantities,
  ].join("");
}

/** Says which directory holds which plane: all of them, in the order of DimensionOrder. */
function tiffDataXml(sizes: Sizes): string {
  return `<TiffData FirstZ="0" FirstC="0" FirstT="0" IFD="0" PlaneCount="${sizes.t * sizes.c * sizes.z}"/>`;
}

function channelXml(index: number, name: string | undefined): string {
  return `<Channel ID="Channel:0:${index}"${xmlAttribute("Name", name)} SamplesPerPixel="1"/>`;
}

/**
 * Our annotations as elements and as the references to them for the end of Image. Their IDs do not occur in
 * `existing`, the document that they are added to (which may be an earlier result of ours).
 */
function annotationsOf(
  provenance: Provenance,
  originalText: string,
  existing: string,
): { readonly elements: string; readonly references: string } {
  let run = 0;
  while (existing.includes(`Annotation:cnnt-edge-${run}-`)) run += 1;
  const pairs = provenance.map(([key, value]) => `<M K="${xmlText(key)}">${xmlText(value)}</M>`).join("");
  const provenanceId = `Annotation:cnnt-edge-${run}-provenance`;
  const originalId = `Annotation:cnnt-edge-${run}-original`;
  const ids = originalText === "" ? [provenanceId] : [provenanceId, originalId];
  const comment =
    originalText === ""
      ? ""
      : `<CommentAnnotation ID="${originalId}" Namespace="${originalMetadataNamespace}">` +
        `<Value>${xmlText(originalText)}</Value></CommentAnnotation>`;
  return {
    elements:
      `<MapAnnotation ID="${provenanceId}" Namespace="${provenanceNamespace}"><Value>${pairs}</Value></MapAnnotation>` +
      comment,
    references: ids.map((id) => `<AnnotationRef ID="${id}"/>`).join(""),
  };
}
