import { present } from "../../core/record.ts";
import { omeNamespace, xmlAttribute, xmlText } from "../ome/ome-schema.ts";
import type { Attributes, LifImage } from "./images.ts";

/** Leica's own names and values, among the annotations of an image. */
const settingsNamespace = "cnnt-edge/leica-lif/1";
const settingsId = "Annotation:leica-lif";

/** Of more frames than these only the first and the last time are kept. */
const mostTimes = 10_000;

/**
 * What LAS X recorded of one image beside its pixels, as OME-XML that a result carries on: the time of the first
 * frame, where the stage stood (at the first plane), and the settings under Leica's own names. `tile`: its place in a
 * mosaic, from 0.
 */
export function recordingXml(image: LifImage, name: string, tile: number): string {
  const { settings, timesMs, tileScan } = image;
  const stage = image.tiles[tile] ?? {};
  const pairs = [
    ...Object.entries(present({ Path: image.path })),
    ...[...settings].filter(([key]) => key !== "Name" && key !== "Application"),
    ...Object.entries(tileScan)
      .filter(([key]) => key !== "Name" && key !== "Application")
      .map(([key, value]) => [`TileScanInfo ${key}`, value] as const),
    ...Object.entries(stage).map(([key, value]) => [`Tile ${key}`, value] as const),
    ...timePairs(timesMs),
  ];
  const markup = pairs.map(([key, value]) => `<M${xmlAttribute("K", key)}>${xmlText(value)}</M>`).join("");
  const began = timesMs[0] === undefined ? "" : `<AcquisitionDate>${timeText(timesMs[0])}</AcquisitionDate>`;
  return (
    `<OME xmlns="${omeNamespace}"><Image ID="Image:0"${xmlAttribute("Name", name)}>${began}` +
    `<Pixels ID="Pixels:0">${planeXml(stage)}</Pixels><AnnotationRef ID="${settingsId}"/></Image>` +
    `<StructuredAnnotations><MapAnnotation ID="${settingsId}" Namespace="${settingsNamespace}">` +
    `<Value>${markup}</Value></MapAnnotation></StructuredAnnotations></OME>`
  );
}

/** The first plane with the place of the stage, which a LIF states in m; nothing where it is not stated. */
function planeXml(stage: Attributes): string {
  const positions = (["X", "Y", "Z"] as const).flatMap((axis) => {
    const stated = stage[`Pos${axis}`]?.trim() ?? "";
    const um = Number((Number(stated) * 1e6).toPrecision(15));
    if (stated === "" || !Number.isFinite(um)) return [];
    return [xmlAttribute(`Position${axis}`, um) + xmlAttribute(`Position${axis}Unit`, "µm")];
  });
  return positions.length === 0 ? "" : `<Plane TheZ="0" TheT="0" TheC="0"${positions.join("")}/>`;
}

function timePairs(timesMs: readonly number[]): readonly (readonly [string, string])[] {
  const [first, last] = [timesMs[0], timesMs.at(-1)];
  if (first === undefined || last === undefined) return [];
  const ends = [
    ["TimeStamp first", timeText(first)],
    ["TimeStamp last", timeText(last)],
    ["TimeStamp count", String(timesMs.length)],
  ] as const;
  if (timesMs.length > mostTimes) return ends;
  const seconds = timesMs.map((ms) => (ms - first) / 1000).join(" ");
  return [...ends, ["TimeStamps in s from the first", seconds]];
}

/** The file names no time zone. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}
