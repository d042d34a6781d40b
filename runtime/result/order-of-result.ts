import { formatError } from "../../core/errors.ts";
import { longestTile } from "../../core/package-settings.ts";
import type { Provenance } from "../../formats/plane/plane-sink.ts";
import type { DenoiseJobInput } from "../job/denoise-job.ts";
import { type ProviderName, providerNames } from "../machine/providers.ts";

/** What a result states of the job that made it, as far as its pixels depend on it. */
export interface OrderOfResult {
  readonly series: number;
  readonly depthAxis: "z" | "t";
  /** For each channel the hash of its model; undefined where it was copied. */
  readonly models: readonly (string | undefined)[];
  /** Of the channels that went through a network. Absent where they differ, or none did: then the packages' own. */
  readonly tiles: Required<Pick<DenoiseJobInput, "tile" | "overlap" | "tiling">> | undefined;
  readonly normalization: NonNullable<DenoiseJobInput["normalization"]>;
  readonly provider: ProviderName;
  readonly threads: number | undefined;
  readonly sourceSha256: string;
  readonly software: string;
  readonly runtime: string;
}

/**
 * Reads `provenanceOf` back. `channels`: of the result. Throws `EdgeError` (`format`, `not-a-result`) where something that
 * the pixels depend on is not stated.
 */
export function orderOfResult(file: string, provenance: Provenance, channels: number): OrderOfResult {
  const stated = new Map(provenance);
  const of = (key: string): string => stated.get(key) ?? refuse(file, `it does not state "${key}"`);
  const ofChannel = (channel: number, key: string): string | undefined =>
    stated.get(channels > 1 ? `Channel ${channel}: ${key}` : key);
  const models = Array.from({ length: channels }, (_, channel) => {
    const sha256 = ofChannel(channel, "Model sha256");
    if (sha256 === undefined && !/^none /.test(ofChannel(channel, "Model") ?? "")) {
      refuse(file, `it does not state the model of channel ${channel}`);
    }
    return sha256;
  });
  const denoised = models.flatMap((sha256, channel) => (sha256 === undefined ? [] : [channel]));
  const ofAll = (key: string): string | undefined => {
    const values = new Set(denoised.map((channel) => ofChannel(channel, key)));
    return values.size === 1 ? [...values][0] : undefined;
  };
  // A package may state itself that it normalizes nothing, and map its output all the same: that was not asked for.
  const mapped = denoised.some((channel) => ofChannel(channel, "Intensity map") !== undefined);
  const [tile, overlap] = [ofAll("Tile"), ofAll("Overlap")];
  const axis = of("Depth axis").toLowerCase();
  if (axis !== "z" && axis !== "t") return refuse(file, `its depth axis is ${axis}`);
  const provider = providerNames.find((name) => name === of("Provider"));
  if (provider === undefined) return refuse(file, `its provider is ${of("Provider")}`);
  const threads = stated.get("Threads");
  return {
    series: whole(file, "Source series", of("Source series"), { least: 0, most: 1e6 }),
    depthAxis: axis,
    models,
    tiles:
      tile === undefined || overlap === undefined
        ? undefined
        : {
            tile: box(file, "Tile", tile.replace(/ .*$/, ""), 1),
            overlap: box(file, "Overlap", overlap, 0),
            tiling: ofAll("Tile plan")?.startsWith("published") ? "published" : "fitted",
          },
    normalization: ofAll("Normalization") === "none" && !mapped ? "none" : "package",
    provider,
    threads: threads === undefined ? undefined : whole(file, "Threads", threads, { least: 1, most: 1024 }),
    sourceSha256: of("Source sha256"),
    software: of("Software"),
    runtime: of("Runtime"),
  };
}

function box(file: string, what: string, text: string, least: number): [number, number, number] {
  const [depth, height, width, ...more] = text
    .split(",")
    .map((side) => whole(file, what, side, { least, most: longestTile }));
  if (depth === undefined || height === undefined || width === undefined || more.length > 0) {
    return refuse(file, `it states "${text}" as ${what}`);
  }
  return [depth, height, width];
}

/** Somebody may have changed what stands there. */
function whole(
  file: string,
  what: string,
  text: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : refuse(file, `it states "${text}" as ${what}`);
}

function refuse(file: string, found: string): never {
  throw formatError("the file is no result from which the job can be made again", {
    code: "not-a-result",
    file,
    found,
    remedy: "Name a result of this version of cnnt-edge, as it was written",
  });
}
