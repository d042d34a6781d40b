import { basename } from "node:path";
import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import { naturally } from "../../core/natural-order.ts";
import { isRecord } from "../../core/record.ts";
import type { ReadLimits } from "../file/reading.ts";
import { isImageGroup, type Multiscale, multiscalesOf, omeAttributes } from "./multiscales.ts";
import { readNode, type ZarrNode } from "./node.ts";
import type { ZarrStore } from "./store.ts";

/** One image of a store. */
export interface FoundImage {
  /** Of the group that describes it; "" is the store itself. */
  readonly group: string;
  readonly multiscale: Multiscale;
}

/**
 * The images of a store: those that its root describes, or else those of the groups in it, each a series (bioformats2raw, acquire-zarr,
 * ome-writers). Throws `EdgeError` where it holds none, or is a plate.
 */
export async function findImages(
  store: ZarrStore,
  limits: ReadLimits,
): Promise<readonly (FoundImage | EdgeError)[]> {
  const root = await readNode(store, "");
  if (root === undefined) throw unfinished(store.folder);
  if (root.kind === "array") throw bareArray(store.folder);
  refusePlate(root, store.folder);
  const groups = isImageGroup(root) ? [root] : await imageGroups(store, root, limits);
  const found: (FoundImage | EdgeError)[] = [];
  for (const group of groups) {
    if (!("attributes" in group)) found.push(group);
    else
      found.push(
        ...multiscalesOf(group).map((one) => ("level" in one ? { group: group.key, multiscale: one } : one)),
      );
  }
  if (found.length > limits.maxSeries) throw tooManyImages(store.folder, found.length, limits.maxSeries);
  return found;
}

/** The groups below the root that describe images: in the order in which the store lists them, else of their names. */
async function imageGroups(
  store: ZarrStore,
  root: ZarrNode,
  limits: ReadLimits,
): Promise<readonly (ZarrNode | EdgeError)[]> {
  const listed = await listedGroups(store, root);
  const names =
    listed ??
    (await store.list("")).flatMap(({ name, isFolder }) => (isFolder ? [name] : [])).sort(naturally.compare);
  if (names.length > limits.maxSeries) throw tooManyImages(store.folder, names.length, limits.maxSeries);
  const groups: (ZarrNode | EdgeError)[] = [];
  for (const name of names) {
    const node = await readNode(store, name);
    if (node !== undefined && isImageGroup(node)) groups.push(node);
    else if (listed !== undefined) groups.push(missingImage(store.pathOf(name)));
  }
  if (groups.length === 0) throw noImage(store.folder);
  return groups;
}

/** What bioformats2raw's layout lists under `OME`; undefined where it lists nothing. */
async function listedGroups(store: ZarrStore, root: ZarrNode): Promise<readonly string[] | undefined> {
  const layout = omeAttributes(root)["bioformats2raw.layout"];
  const node = await readNode(store, "OME");
  if (node === undefined && layout === undefined) return undefined;
  const series = node && omeAttributes(node)["series"];
  const isName = (one: unknown): one is string =>
    typeof one === "string" && /^[^/\\\0]+$/.test(one) && one !== "." && one !== "..";
  return Array.isArray(series) && series.length > 0 && series.every(isName) ? series : undefined;
}

/** A plate or a well of one names the folders of its fields, which are images of their own. */
function refusePlate(root: ZarrNode, folder: string): void {
  const { plate, well } = omeAttributes(root);
  if (plate === undefined && well === undefined) return;
  const pathIn = (list: unknown): string => {
    const [first]: readonly unknown[] = Array.isArray(list) ? list : [];
    return isRecord(first) && typeof first["path"] === "string" ? first["path"] : "0";
  };
  const field = isRecord(plate)
    ? `${pathIn(plate["wells"])}/0`
    : pathIn(isRecord(well) ? well["images"] : []);
  throw unsupportedError(
    `this is a ${plate === undefined ? "well of a plate" : "plate"}, whose fields are read one by one`,
    {
      code: "zarr-plate",
      file: folder,
      remedy: `Name the folder of a field, such as ${basename(folder)}/${field}`,
    },
  );
}

function unfinished(file: string): EdgeError {
  return formatError("the OME-Zarr has no metadata at its root, or not yet", {
    code: "zarr-unfinished",
    file,
    allowed: "zarr.json, or .zgroup and .zattrs",
    remedy: "Wait until it is written (some programs write them at the end), or copy it again",
    retryable: true,
  });
}

function bareArray(file: string): EdgeError {
  return unsupportedError("this is a Zarr array, which does not say what its axes are", {
    code: "zarr-array",
    file,
    remedy: "Name the folder above it, which describes the image, or write the image as OME-Zarr",
  });
}

function noImage(file: string): EdgeError {
  return formatError("the Zarr describes no image, or not yet", {
    code: "zarr-no-image",
    file,
    allowed: "multiscales of OME-Zarr 0.4 or 0.5, in it or in the folders in it",
    remedy: "Wait until it is written, or write the image as OME-Zarr 0.4 or 0.5",
    retryable: true,
  });
}

function missingImage(file: string): EdgeError {
  return formatError("an image that the OME-Zarr lists is not there, or not yet", {
    code: "zarr-image-missing",
    file,
    remedy: "Wait until it is written, or copy the OME-Zarr again",
    retryable: true,
  });
}

function tooManyImages(file: string, found: number, most: number): EdgeError {
  return unsupportedError("the OME-Zarr holds more images than are allowed", {
    code: "zarr-images",
    file,
    found: String(found),
    allowed: String(most),
    remedy: "Name the folder of one image",
  });
}
