import { open } from "node:fs/promises";
import type { Dataset, File } from "h5wasm/node";
import { plainAcquisition, type SampleType } from "../../core/acquisition.ts";
import { formatError, machineError, usageError } from "../../core/errors.ts";
import { openError } from "../../formats/file/file-errors.ts";
import type { Repeats } from "./repeats.ts";

/** h5wasm's `dtype`, little or big end first; it converts to the machine's order. */
const sampleTypesByCode: Readonly<Record<string, SampleType>> = {
  B: "uint8",
  b: "int8",
  H: "uint16",
  h: "int16",
  I: "uint32",
  i: "int32",
  f: "float32",
  d: "float64",
};

/**
 * Opens one set of the published training files (HDF5): `<key>/noisy_im`, `(N, Z, H, W)` repeats or one stack
 * `(Z, H, W)`, and `<key>/clean_im`, `(Z, H, W)`. With three repeats or more they are used and `clean_im` is not:
 * how many scans it stands for, and whether the repeats are among them, the file does not say. With fewer, noisy and
 * clean are a low/high pair. Planes are read one at a time from the file.
 */
export async function openHdf5(path: string, key: string | undefined): Promise<Repeats> {
  const { default: h5wasm } = await import("h5wasm/node");
  await h5wasm.ready;
  await refuseForeignFile(path);
  const file = new h5wasm.File(path, "r");
  if (file.file_id <= 0n) throw damaged(path);
  try {
    const chosen = keyOf(file, path, key);
    const noisy = datasetOf(file, `${chosen}/noisy_im`, path);
    const shape = noisy.shape ?? [];
    const count = shape.length === 4 ? (shape[0] ?? 0) : 1;
    const [depth = 0, height = 0, width = 0] = shape.slice(-3);
    if (shape.length < 3 || shape.length > 4 || depth * height * width === 0)
      throw wrongShape(path, `${chosen}/noisy_im`, shape);
    const asRepeats = count >= 3;
    const clean = asRepeats ? undefined : datasetOf(file, `${chosen}/clean_im`, path);
    if (clean !== undefined && String(clean.shape?.slice(-3)) !== String([depth, height, width])) {
      throw wrongShape(path, `${chosen}/clean_im`, clean.shape ?? []);
    }
    const sizes = { t: 1, c: 1, z: depth, y: height, x: width };
    const sampleType = sampleTypesByCode[String(noisy.dtype).slice(-1)];
    if (sampleType === undefined) throw unreadable(path, noisy.path);
    return {
      acquisition: {
        ...plainAcquisition({ file: path, make: "HDF5", sizes, sampleType }),
        members: [path],
      },
      files: [path],
      depth,
      height,
      width,
      averages: asRepeats ? new Array<number>(count).fill(1) : [...new Array<number>(count).fill(1), 2],
      names: [
        ...Array.from({ length: count }, (_, index) => `${chosen}/noisy_im[${index}]`),
        ...(asRepeats ? [] : [`${chosen}/clean_im`]),
      ],
      readPlane(index, z) {
        const dataset = index < count ? noisy : (clean ?? noisy);
        const inSet =
          dataset.shape?.length === 4 ? [[index < count ? index : 0, (index < count ? index : 0) + 1]] : [];
        const values = dataset.slice([...inSet, [z, z + 1], [], []] as Parameters<Dataset["slice"]>[0]);
        if (!ArrayBuffer.isView(values) || values instanceof DataView) throw unreadable(path, dataset.path);
        return Promise.resolve(Float32Array.from(values as ArrayLike<number>));
      },
      close() {
        file.close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** "\x89HDF\r\n\x1a\n", at 0 or at 512 times a power of two (HDF5 file format specification, section II.A). */
const signature = Buffer.from("894844460d0a1a0a", "hex");
const signaturePlaces = [0, 512, 1024, 2048, 4096];

/** The library reports a foreign file on stderr and goes on; so it is looked at before. */
async function refuseForeignFile(path: string): Promise<void> {
  const handle = await open(path).catch((cause: unknown) => {
    throw openError(cause, path);
  });
  try {
    for (const place of signaturePlaces) {
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(signature.length),
        0,
        signature.length,
        place,
      );
      if (bytesRead === signature.length && buffer.equals(signature)) return;
    }
  } finally {
    await handle.close();
  }
  throw damaged(path);
}

function damaged(file: string) {
  return formatError("this is not an HDF5 file, or it is damaged", {
    code: "hdf5",
    file,
    remedy: "Copy the file again",
  });
}

function keyOf(file: File, path: string, key: string | undefined): string {
  const keys = file.keys();
  if (key !== undefined && keys.includes(key)) return key;
  const only = keys[0];
  if (key === undefined && keys.length === 1 && only !== undefined) return only;
  const shown = keys.slice(0, 12).join(", ");
  throw usageError("one image set of the file must be chosen", {
    code: "hdf5-key",
    file: path,
    ...(key === undefined ? {} : { found: key }),
    allowed: keys.length > 12 ? `${shown}, … (${keys.length} in all)` : shown,
    remedy: "Give it with --key",
  });
}

function datasetOf(file: File, name: string, path: string): Dataset {
  const entity = file.get(name);
  if (entity !== null && "slice" in entity) return entity as Dataset;
  throw formatError("the file lacks a data set of the published layout", {
    code: "hdf5-layout",
    file: path,
    found: `no ${name}`,
    allowed: "<key>/noisy_im (N,Z,H,W or Z,H,W) and <key>/clean_im (Z,H,W)",
    remedy: "See the training data of the published code",
  });
}

function wrongShape(file: string, name: string, shape: readonly number[]) {
  return formatError("a data set has an unexpected shape", {
    code: "hdf5-shape",
    file,
    at: name,
    found: `(${shape.join(", ")})`,
    allowed: "(N, Z, H, W) or (Z, H, W), the same for noisy and clean",
    remedy: "See the training data of the published code",
  });
}

function unreadable(file: string, name: string) {
  return machineError("a data set holds no numbers that can be read", { code: "hdf5-type", file, at: name });
}
