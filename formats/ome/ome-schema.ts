/** What carrying OME-XML on must know of the schema 2016-06 (ome.xsd), and of its predecessors. */

export const omeNamespace = "http://www.openmicroscopy.org/Schemas/OME/2016-06";

/** Older schemas that carry the same elements for an image, its channels and planes; others differ too much. */
export const olderOmeNamespaces: ReadonlySet<string> = new Set(
  ["2010-06", "2011-06", "2012-06", "2013-06", "2015-01"].map(
    (version) => `http://www.openmicroscopy.org/Schemas/OME/${version}`,
  ),
);

/** The order in which the schema wants children. What is not listed has no place there. */
export const childOrder: Readonly<Record<string, readonly string[]>> = {
  OME: [
    ..."Rights Project Dataset Folder Experiment Plate Screen Experimenter ExperimenterGroup".split(" "),
    ..."Instrument Image StructuredAnnotations ROI".split(" "),
  ],
  Image: [
    ..."AcquisitionDate ExperimenterRef Description ExperimentRef ExperimenterGroupRef InstrumentRef".split(
      " ",
    ),
    ..."ObjectiveSettings ImagingEnvironment StageLabel Pixels ROIRef MicrobeamManipulationRef".split(" "),
    "AnnotationRef",
  ],
  // BinData, TiffData and MetadataOnly say where the source's pixels are; ours are elsewhere.
  Pixels: ["Channel", "Plane"],
};

/**
 * Of a document of an older schema, the elements and attributes whose meaning, unit and form did not change up to
 * 2016-06. Everything else of it (references, filters, regions) changed its shape in between.
 */
export const unchangedSinceOlder: Readonly<Record<string, ReadonlySet<string>>> = {
  OME: new Set(),
  Image: new Set(["ID", "Name"]),
  AcquisitionDate: new Set(),
  Description: new Set(),
  StageLabel: new Set(["Name", "X", "Y", "Z", "XUnit", "YUnit", "ZUnit"]),
  Pixels: new Set(["ID"]),
  Channel: new Set([
    ..."ID Name AcquisitionMode IlluminationType ContrastMethod Fluor NDFilter Color".split(" "),
    ..."ExcitationWavelength EmissionWavelength PinholeSize PockelCellSetting".split(" "),
    ..."ExcitationWavelengthUnit EmissionWavelengthUnit PinholeSizeUnit".split(" "),
  ]),
  Plane: new Set([
    ..."TheZ TheT TheC DeltaT ExposureTime PositionX PositionY PositionZ".split(" "),
    ..."DeltaTUnit ExposureTimeUnit PositionXUnit PositionYUnit PositionZUnit".split(" "),
  ]),
};

/** Elements that were renamed. */
export const renamedSinceOlder: Readonly<Record<string, string>> = { AcquiredDate: "AcquisitionDate" };

/** What the ID of an element starts with, for those whose IDs are known to come wrong (Micro-Manager's). */
const idKinds: Readonly<Record<string, string>> = {
  Image: "Image",
  Pixels: "Pixels",
  Channel: "Channel",
  Instrument: "Instrument",
  InstrumentRef: "Instrument",
  Detector: "Detector",
  DetectorSettings: "Detector",
  Objective: "Objective",
  ObjectiveSettings: "Objective",
  Experimenter: "Experimenter",
  ExperimenterRef: "Experimenter",
};

/** The ID as it is where the schema allows it, else made to; the same for an element and for references to it. */
export function repairedId(element: string, id: string): string {
  const kind = idKinds[element];
  if (kind === undefined || /^urn:lsid:\S+$/.test(id) || new RegExp(`^${kind}:\\S+$`).test(id)) return id;
  return `${kind}:${id.replace(/\s+/g, "_") || "0"}`;
}

/**
 * Text as it may stand in an XML 1.0 document in UTF-8. There are no numeric references on purpose: Bio-Formats
 * spoils `&#` wherever it stands. What XML 1.0 does not allow at all (section 2.2: most control characters, lone
 * surrogates) becomes U+FFFD, and line ends become those that every parser makes of them (section 2.11).
 */
export function xmlText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(notAllowed, "\ufffd")
    .replaceAll(/[&<>"]/g, (char) => entities[char] ?? char);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const notAllowed = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** An attribute, with the space before it; nothing where there is no value. Tabs and line ends become spaces. */
export function xmlAttribute(name: string, value: string | number | undefined): string {
  return value === undefined ? "" : ` ${name}="${xmlText(String(value)).replaceAll(/[\t\n]/g, " ")}"`;
}
