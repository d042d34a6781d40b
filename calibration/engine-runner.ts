import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Acquisition, asFloats, plainAcquisition } from "../core/acquisition.ts";
import { present } from "../core/record.ts";
import { readPackage } from "../export/package/read-package.ts";
import { removeStalePartials } from "../formats/file/partial-name.ts";
import { openAcquisition } from "../formats/open.ts";
import { createOmeTiff } from "../formats/tiff/ome-tiff-sink.ts";
import type { DenoiseJobInput, Engine } from "../runtime/job/denoise-job.ts";
import { modelIdentity } from "../runtime/job/model-identity.ts";
import { type Repeats, readMean } from "./experiment/repeats.ts";
import type { ModelRunner } from "./model-runner.ts";

/**
 * Runs a package through the engine. Each draw's mean is written as a float32 OME-TIFF, denoised to float32 (no
 * rounding, no clipping), and the result kept under a name made of everything that it depends on.
 */
export async function engineRunner(options: {
  readonly engine: Engine;
  /** Package folder. */
  readonly model: string;
  /** Where denoised stacks are kept, so that an interrupted calibration goes on where it was. */
  readonly workFolder: string;
  /** Everything but draw and model that decides a result: input files, drift, bleaching. */
  readonly experimentKey: string;
  readonly tile?: NonNullable<DenoiseJobInput["tile"]> | undefined;
  readonly overlap?: NonNullable<DenoiseJobInput["overlap"]> | undefined;
}): Promise<ModelRunner> {
  const { engine, workFolder } = options;
  const dir = resolve(options.model);
  const model = await readPackage(dir);
  const identity = modelIdentity(model);
  await mkdir(workFolder, { recursive: true });
  await removeStalePartials(workFolder);
  let provider = "cached";
  return {
    facts: {
      name: model.name,
      version: model.version,
      sha256: model.modelSha256,
      intensity: model.settings.intensity.meaning,
    },
    provider: () => provider,
    async denoise(repeats, draw, { signal, onProgress }) {
      const key = keyOf(options.experimentKey, identity, options.tile, options.overlap, [...draw]);
      const output = resolve(workFolder, `denoised-${key}.ome.tif`);
      if (!existsSync(output)) {
        const input = resolve(workFolder, `input-${key}.ome.tif`);
        try {
          await writeMean(repeats, draw, input, signal);
          const outcome = await engine.denoise(
            {
              input,
              output,
              overwrite: true,
              models: { default: dir, verified: { [dir]: identity } },
              sampleType: "float32",
              ...present({ tile: options.tile, overlap: options.overlap }),
            },
            {
              ...present({ signal }),
              onProgress: ({ doneVoxels, totalVoxels }) =>
                onProgress?.(totalVoxels > 0 ? doneVoxels / totalVoxels : 0),
            },
          );
          provider = outcome.provider;
        } finally {
          await rm(input, { force: true });
        }
      }
      onProgress?.(1);
      const source = await openAcquisition(output);
      return {
        readPlane: async (z, signal) => asFloats(await source.readPlane({ t: 0, c: 0, z }, { signal })),
        close: () => source.close(),
      };
    },
  };
}

async function writeMean(
  repeats: Repeats,
  draw: readonly number[],
  file: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sink = await createOmeTiff(
    file,
    { acquisition: stackOf(repeats, file), sampleType: "float32" },
    { overwrite: true },
  );
  try {
    for (let z = 0; z < repeats.depth; z += 1) {
      await sink.write({ t: 0, c: 0, z, samples: await readMean(repeats, draw, z, signal) });
    }
    await sink.finish([["Mean of repeats", draw.map((index) => repeats.names[index] ?? "").join(", ")]]);
  } finally {
    await sink.abort();
  }
}

/** The mean as an acquisition of its own: the field's size, the repeats' pixel size. */
function stackOf({ acquisition, depth, height, width }: Repeats, file: string): Acquisition {
  const sizes = { t: 1, c: 1, z: depth, y: height, x: width };
  return {
    ...plainAcquisition({ file, make: "OME-TIFF", sizes, sampleType: "float32" }),
    pixelSize: acquisition.pixelSize,
    channels: [acquisition.channels[0] ?? {}],
  };
}

/** A short name for everything that decides a result. */
export function keyOf(...parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** The work folder's place beside the report. */
export function workFolderOf(out: string): string {
  return join(out, "calibration-work");
}

/** Removes the stacks of a finished calibration, and their folder when nothing else lies in it. */
export async function removeWork(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((of) => ours.test(of))) await rm(join(folder, name), { force: true });
  await rmdir(folder).catch(() => undefined);
}

const ours = /^(denoised|input)-[0-9a-f]{16}\.ome\.tif$/;
