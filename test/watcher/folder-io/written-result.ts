import { lstat } from "node:fs/promises";
import { plainAcquisition } from "../../../core/acquisition.ts";
import { createOmeTiff } from "../../../formats/tiff/ome-tiff-sink.ts";

const sizes = { t: 1, c: 1, z: 1, y: 4, x: 4 };

/** A result that states the job, as an engine leaves it, and what else it is to state. */
export async function writeResult(
  output: string,
  job: string,
  stated: readonly (readonly [key: string, value: string])[] = [],
) {
  const acquisition = plainAcquisition({ file: "a.tif", make: "TIFF", sizes, sampleType: "uint16" });
  const sink = await createOmeTiff(output, { acquisition, sampleType: "uint16" });
  await sink.write({ t: 0, c: 0, z: 0, samples: new Uint16Array(16).fill(7) });
  await sink.finish([["Job", job], ...stated]);
  const { size: bytes, ino: inode, mtimeMs, ctimeMs } = await lstat(output);
  return { output, job, bytes, look: { inode, mtimeMs, ctimeMs } };
}
