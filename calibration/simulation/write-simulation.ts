import { sampleTypes } from "../../core/acquisition.ts";
import type { OutputCompression, Provenance } from "../../formats/plane/plane-sink.ts";
import { type PlaneSource, planesIn } from "../../formats/plane/plane-source.ts";
import { createOmeTiff } from "../../formats/tiff/ome-tiff-sink.ts";
import type { SimulatedPair, Simulation } from "./simulation.ts";

export interface WriteOptions {
  readonly compression?: OutputCompression;
  readonly overwrite?: boolean;
  readonly signal?: AbortSignal;
}

/** Writes one acquisition, and its truth where a file is named for it, plane by plane. On failure neither file appears. */
export async function writeSimulation(
  simulation: Simulation,
  { noisy, clean }: SimulatedPair,
  files: { readonly noisy: string; readonly clean?: string },
  options: WriteOptions = {},
): Promise<void> {
  const outputs: Output[] = [];
  try {
    outputs.push(await openOutput(noisy, files.noisy, options));
    if (files.clean !== undefined) outputs.push(await openOutput(clean, files.clean, options));
    for (const index of planesIn(simulation.sizes)) {
      options.signal?.throwIfAborted();
      for (const { source, sink, buffer } of outputs) {
        await sink.write({ ...index, samples: await source.readPlane(index, { into: buffer }) });
      }
    }
    // The truth first: who waits for the noisy file finds its partner there.
    for (const { sink } of outputs.toReversed()) await sink.finish(provenanceOf(simulation));
  } finally {
    for (const { sink } of outputs) await sink.abort();
  }
}

type Output = Awaited<ReturnType<typeof openOutput>>;

async function openOutput(source: PlaneSource, file: string, options: WriteOptions) {
  const { acquisition } = source;
  const { sampleType, sizes } = acquisition;
  const { compression = "none", overwrite = false } = options;
  const sink = await createOmeTiff(file, { acquisition, sampleType, compression }, { overwrite });
  return { source, sink, buffer: sampleTypes[sampleType].make(sizes.y * sizes.x) };
}

function provenanceOf({ scene, photons, camera, seed, repeat }: Simulation): Provenance {
  return [
    ["made by", "cnnt-edge simulate"],
    ["scene", scene ?? "usual"],
    ["photons at the bright end", String(photons)],
    ["gain", String(camera.gain)],
    ["offset", String(camera.offset)],
    ["read noise (photons)", String(camera.readNoise)],
    ["seed", String(seed)],
    ...(repeat === undefined
      ? []
      : ([
          ["repeat (from 1)", String(repeat.index + 1)],
          ["light left", String(repeat.light)],
          ["drift y, x (pixels)", `${repeat.driftY}, ${repeat.driftX}`],
        ] as const)),
  ];
}
