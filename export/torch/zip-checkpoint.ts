import { formatError, unsupportedError } from "../../core/errors.ts";
import type { ByteSource } from "../../formats/file/byte-source.ts";
import { readPickle } from "./pickle.ts";
import { maxPickleBytes } from "./pickle-limits.ts";
import type { PickleValue } from "./pickle-values.ts";
import type { StoredTensors } from "./stored-tensors.ts";
import { tensorDictsIn } from "./tensor-dicts.ts";
import { readTorchArchive, type TorchArchive } from "./zip-archive.ts";

/** What torch.save has written since 1.6: a zip file with a pickle and one entry per storage. */
export async function readZipCheckpoint(source: ByteSource): Promise<StoredTensors> {
  const archive = await readTorchArchive(source);
  const dicts = tensorDictsIn(await readRoot(archive), source.file);
  await refuseBigEndian(archive);
  return {
    dicts,
    readElements: (storage, { first, count }, tensorName) => {
      const entry = archive.entries.get(`data/${storage.key}`);
      if (entry === undefined || entry.bytes !== storage.elements * storage.elementBytes) {
        throw formatError("a storage of the checkpoint is missing or cut", {
          code: "torch-storage-cut",
          file: source.file,
          at: tensorName,
          found: entry === undefined ? "no entry for it" : `${entry.bytes} bytes`,
          allowed: `${storage.elements * storage.elementBytes} bytes`,
          remedy: "Copy the file again",
        });
      }
      return archive.readRange(entry, first * storage.elementBytes, count * storage.elementBytes);
    },
  };
}

async function readRoot(archive: TorchArchive): Promise<PickleValue> {
  const entry = archive.entries.get("data.pkl");
  if (entry === undefined || entry.bytes > maxPickleBytes) {
    throw unsupportedError("this zip file is not a torch checkpoint", {
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
