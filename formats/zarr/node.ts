import { isRecord } from "../../core/record.ts";
import type { ZarrStore } from "./store.ts";

/** A group or an array of a store, by its metadata. Nothing in them is checked yet. */
export interface ZarrNode {
  readonly format: 2 | 3;
  readonly kind: "group" | "array";
  /** Of the store; "" is its root. */
  readonly key: string;
  /** The file that the metadata of a person's interest stand in, for messages. */
  readonly file: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What the array's `.zarray` or `zarr.json` says; that of a group is of no use. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** undefined where the folder is neither a group nor an array. Throws `EdgeError` where its metadata cannot be read. */
export async function readNode(store: ZarrStore, key: string): Promise<ZarrNode | undefined> {
  const within = (name: string): string => (key === "" ? name : `${key}/${name}`);
  const node = (name: string, fields: Omit<ZarrNode, "key" | "file">): ZarrNode => ({
    ...fields,
    key,
    file: store.pathOf(within(name)),
  });
  const three = await store.readJson(within("zarr.json"));
  if (three !== undefined) {
    const kind = three["node_type"] === "array" ? "array" : "group";
    const { attributes } = three;
    return node("zarr.json", {
      format: 3,
      kind,
      attributes: isRecord(attributes) ? attributes : {},
      metadata: three,
    });
  }
  const attributes = await store.readJson(within(".zattrs"));
  const array = await store.readJson(within(".zarray"));
  if (array !== undefined) {
    return node(".zarray", { format: 2, kind: "array", attributes: attributes ?? {}, metadata: array });
  }
  if (attributes === undefined && (await store.readJson(within(".zgroup"))) === undefined) return undefined;
  return node(".zattrs", { format: 2, kind: "group", attributes: attributes ?? {}, metadata: {} });
}
