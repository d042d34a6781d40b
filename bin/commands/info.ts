import { basename } from "node:path";
import type { Acquisition, Length } from "../../core/acquisition.ts";
import { describeError, type EdgeError, isEdgeError, reportOf, visible } from "../../core/errors.ts";
import type { Provenance } from "../../formats/plane/plane-sink.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { patternGiven, patternOption } from "../options/option-values.ts";

interface InfoOptions {
  readonly hash?: boolean;
  readonly json?: boolean;
  readonly pattern?: string;
}

/** One image of a file, with the hash of its samples where that was asked for. */
interface Described {
  readonly acquisition: Acquisition;
  /** How it came about, where it is a result of ours; oldest first. */
  readonly provenances: readonly Provenance[];
  readonly sha256?: string;
}

export const defineInfo: DefineCommand = (program, io, act) => {
  program
    .command("info")
    .summary("what does a file hold, or why is it refused?")
    .description(
      "Prints axes, sample type, pixel size, channels and make of every image in the files, and of a model package " +
        "what it was made for.",
    )
    .argument("<file...>", "image files, OME-Zarr or NDTiff folders, or package folders")
    .option("--hash", "SHA-256 of each image's samples (little-endian, planes in stored order)")
    .addOption(patternOption())
    .option("--json", "the answer as a JSON array on stdout, one entry per file")
    .action((files: string[], options: InfoOptions) => act(() => info(files, options, io)));
};

/** A refused file does not keep the others from being told about; it makes the exit code 1. */
async function info(files: readonly string[], options: InfoOptions, io: CommandIo): Promise<number> {
  let refused = false;
  const refuse = (error: EdgeError): EdgeError => {
    refused = true;
    io.stderr.write(`cnnt-edge: ${describeError(error)}\n`);
    return error;
  };
  const { readPackage } = await import("../../export/package/read-package.ts");
  const { holdsDescription } = await import("../../export/package/read-description.ts");
  const { packageAsJson, packageAsText } = await import("../words/package-words.ts");
  const entries: object[] = [];
  for (const file of files) {
    io.signal.throwIfAborted();
    let found: readonly (Described | EdgeError)[];
    try {
      if (await holdsDescription(file)) {
        const model = await readPackage(file);
        if (options.json !== true) io.stdout.write(packageAsText(model));
        entries.push({ file, package: packageAsJson(model) });
        continue;
      }
      found = await describe(file, options, io.signal);
    } catch (error) {
      if (!isEdgeError(error)) throw error;
      entries.push({ file, error: reportOf(refuse(error)) });
      continue;
    }
    for (const series of found) {
      if (isEdgeError(series)) refuse(series);
      else if (options.json !== true) io.stdout.write(asText(series));
    }
    entries.push({
      file,
      series: found.map((series) => (isEdgeError(series) ? { error: reportOf(series) } : asJson(series))),
    });
  }
  if (options.json === true) io.stdout.write(`${JSON.stringify(entries, undefined, 2)}\n`);
  return refused ? exitCodes.failed : exitCodes.done;
}

async function describe(
  file: string,
  options: InfoOptions,
  signal: AbortSignal,
): Promise<readonly (Described | EdgeError)[]> {
  const { openFile, refusalOf } = await import("../../formats/open.ts");
  const { provenancesIn } = await import("../../formats/ome/read-provenance.ts");
  const { sampleHash } = await import("../../formats/plane/sample-hash.ts");
  const opened = await openFile(file, { signal, ...patternGiven(options) });
  try {
    const refusal = refusalOf(opened);
    if (refusal !== undefined) throw refusal;
    const found: (Described | EdgeError)[] = [];
    for (const series of opened.series) {
      if ("refusal" in series) {
        found.push(series.refusal);
        continue;
      }
      const { acquisition } = series;
      const { original } = acquisition;
      const provenances = original.kind === "ome-xml" ? provenancesIn(original.xml) : [];
      const hashed = options.hash === true ? await sampleHash(series, signal).catch(refused) : undefined;
      if (isEdgeError(hashed)) found.push(hashed);
      else found.push({ acquisition, provenances, ...(hashed === undefined ? {} : { sha256: hashed }) });
    }
    return found;
  } finally {
    await opened.close();
  }
}

/** What keeps one image from being read does not keep the others. */
function refused(error: unknown): EdgeError {
  if (isEdgeError(error)) return error;
  throw error;
}

function asText({ acquisition, provenances, sha256 }: Described): string {
  const { file, series, seriesCount, name, sizes, pixelSize, timeIncrement, members } = acquisition;
  const lengths = [pixelSize.x, pixelSize.y, pixelSize.z]
    .flatMap((length, i) => (length === undefined ? [] : [`${"xyz"[i]} ${lengthText(length)}`]))
    .join(", ");
  const names = acquisition.channels.flatMap((channel) => (channel.name === undefined ? [] : [channel.name]));
  const bits = acquisition.significantBits;
  const lines: (readonly [string, string | undefined])[] = [
    ["series", seriesCount > 1 ? `${series} (of ${seriesCount}, counted from 0)` : undefined],
    ["name", name],
    ["make", `${acquisition.make}, ${acquisition.byteOrder}-endian, compression ${acquisition.compression}`],
    ["axes", `${acquisition.axes}  ${acquisition.shape.join(" x ")}`],
    ["planes", `T ${sizes.t}, C ${sizes.c}, Z ${sizes.z} of ${sizes.x} x ${sizes.y} pixels`],
    ["samples", acquisition.sampleType + (bits === undefined ? "" : `, ${bits} bits of it significant`)],
    ["pixel size", lengths === "" ? "not stated" : lengths],
    ["time step", timeIncrement && `${timeIncrement.value} ${timeIncrement.unit}`],
    ["channels", names.length === 0 ? undefined : names.join(", ")],
    ["files", members.length > 1 ? memberText(members) : undefined],
    ["sha256", sha256],
    ...acquisition.notes.map((note) => ["note", note] as const),
  ];
  const told = lines.flatMap(([key, value]) =>
    value === undefined ? [] : [`  ${key.padEnd(11)} ${visible(value)}\n`],
  );
  return `${visible(file)}\n${told.join("")}${provenances.map(provenanceText).join("")}`;
}

/** A result's own words for how it was made. */
function provenanceText(provenance: Provenance): string {
  const width = Math.max(...provenance.map(([key]) => key.length));
  const lines = provenance.map(([key, value]) => `    ${visible(key).padEnd(width)}  ${visible(value)}\n`);
  return `  made by cnnt-edge, as its metadata states:\n${lines.join("")}`;
}

/** Sets may have thousands of files: the first and the last tell enough. */
function memberText(members: readonly string[]): string {
  const names = members.map((member) => basename(member));
  const told = names.length <= 4 ? names.join(", ") : `${names[0]}, ... ${names.at(-1)}`;
  return `${names.length}: ${told}`;
}

function lengthText(length: Length): string {
  const inMicrometers = length.um === undefined || length.unit === "µm" ? "" : ` (${length.um} µm)`;
  return `${length.value} ${length.unit}${inMicrometers}`;
}

/** Keys as in the project's table of what tifffile reads. */
function asJson({ acquisition, provenances, sha256 }: Described): object {
  const { original, sampleType, pixelSize, timeIncrement, significantBits, channels, byteOrder, ...rest } =
    acquisition;
  const { seriesCount, ...told } = rest;
  return {
    ...told,
    series_count: seriesCount,
    dtype: sampleType,
    significant_bits: significantBits,
    pixel_size: pixelSize,
    time_increment: timeIncrement,
    channel_names: channels.map((channel) => channel.name ?? null),
    byteorder: byteOrder,
    metadata: original.kind,
    ...(provenances.length === 0 ? {} : { provenance: provenances }),
    sha256,
  };
}
