import { formatError, unsupportedError } from "../../core/errors.ts";
import { readPickle } from "./pickle.ts";
import type { PickleValue } from "./pickle-values.ts";
import { stateDictOf } from "./state-dict.ts";
import type { StoredTensors } from "./stored-tensors.ts";
import { openTorchArchive, type TorchArchive } from "./zip-archive.ts";

/** A pickle describes, it does not hold the weights; the largest seen is below 1 MB. */
export const maxPickleBytes = 64 << 20;

/** What torch.save has written since 1.6: a zip file with a pickle and one entry per storage. */
export async function openZipCheckpoint(file: string, place?: string): Promise<StoredTensors> {
  const archive = await openTorchArchive(file);
  try {
    const tensors = stateDictOf(await readRoot(archive), file, place);
    await refuseBigEndian(archive);
    return {
      file,
      tensors,
      readElements: (storage, { first, count }, tensorName) => {
        const entry = archive.entries.get(`data/${storage.key}`);
        if (entry === undefined || entry.bytes !== storage.elements * storage.elementBytes) {
          throw formatError("a storage of the checkpoint is missing or cut", {
            code: "torch-storage-cut",
            file,
            at: tensorName,
            found: entry === undefined ? `no entry data/${storage.key}` : `${entry.bytes} bytes`,
            allowed: `${storage.elements * storage.elementBytes} bytes`,
            remedy: "Copy the file again",
          });
        }
        return archive.readRange(entry, first * storage.elementBytes, count * storage.elementBytes);
      },
      close: () => archive.close(),
    };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function readRoot(archive: TorchArchive): Promise<PickleValue> {
  const entry = archive.entries.get("data.pkl");
  if (entry === undefined || entry.bytes > maxPickleBytes) {
    throw unsupportedError("this zip file is no torch checkpoint", {
      code: "torch-no-pickle",
      file: archive.file,
      found: entry === undefined ? "no data.pkl" : `a data.pkl of ${entry.bytes} bytes`,
      allowed: `a data.pkl of at most ${maxPickleBytes} bytes`,
      remedy: "Save the weights with torch.save(model.state_dict(), path)",
    });
  }
  return readPickle(await archive.read(entry), archive.file).value;
}

async function refuseBigEndian(archive: TorchArchive): Promise<void> {
  const entry = archive.entries.get("byteorder");
  if (entry === undefined || entry.bytes > 16) return;
  const order = (await archive.read(entry)).toString("latin1").trim();
  if (order === "little") return;
  throw unsupportedError("the checkpoint was written on a big-endian machine", {
    code: "torch-big-endian",
    file: archive.file,
    found: order,
    remedy: "Load and save it once on an ordinary (x86 or ARM) machine",
  });
}
