import { randomUUID } from "node:crypto";
import type { Acquisition, SampleType } from "../../core/acquisition.ts";
import type { PlaneSinkSpec, Provenance } from "../plane-sink.ts";
import { omeDuration, omeLength } from "./ome-units.ts";
import { xmlAttribute, xmlText } from "./xml-text.ts";

/** OME-XML of the schema 2016-06 for a single-file OME-TIFF with one image. */

export const omeNamespace = "http://www.openmicroscopy.org/Schemas/OME/2016-06";

/** Where our pairs of provenance are found among the annotations of an image. */
export const provenanceNamespace = "cnnt-edge/provenance/1";

/** The source's own words, carried as they were. */
export const originalMetadataNamespace = "cnnt-edge/original-metadata/1";

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

/** The whole document, ASCII only. The original text is kept in a comment. */
export function omeXmlOf(spec: PlaneSinkSpec, provenance: Provenance): string {
  const { acquisition } = spec;
  const { original } = acquisition;
  const originalText =
    original.kind === "ome-xml" ? original.xml : original.kind === "text" ? original.text : "";
  const annotations = annotationsOf(provenance, originalText, "");
  const channels = acquisition.channels.map((channel, index) => channelXml(index, channel.name)).join("");
  return document(
    `<Image ID="Image:0"${xmlAttribute("Name", acquisition.name)}>` +
      `<Pixels ID="Pixels:0"${pixelsAttributes(spec)}>${channels}${tiffDataXml(acquisition)}</Pixels>` +
      `${annotations.references}</Image>` +
      `<StructuredAnnotations>${annotations.elements}</StructuredAnnotations>`,
  );
}

/** The root element around `content`, with a UUID of its own: a result is a new file, whatever it came from. */
export function document(content: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<OME xmlns="${omeNamespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"` +
    ` xsi:schemaLocation="${omeNamespace} ${omeNamespace}/ome.xsd"` +
    ` Creator="cnnt-edge" UUID="urn:uuid:${randomUUID()}">${content}</OME>`
  );
}

/** Attributes of Pixels but its ID: what was written, and the physical sizes of the source. */
export function pixelsAttributes(spec: PlaneSinkSpec): string {
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
export function tiffDataXml({ sizes }: Acquisition): string {
  return `<TiffData FirstZ="0" FirstC="0" FirstT="0" IFD="0" PlaneCount="${sizes.t * sizes.c * sizes.z}"/>`;
}

export function channelXml(index: number, name: string | undefined): string {
  return `<Channel ID="Channel:0:${index}"${xmlAttribute("Name", name)} SamplesPerPixel="1"/>`;
}

/**
 * Our annotations as elements and as the references to them for the end of Image. Their IDs do not occur in
 * `existing`, the document that they are added to (which may be an earlier result of ours).
 */
export function annotationsOf(
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
