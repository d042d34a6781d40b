import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type EdgeError, unsupportedError } from "../../core/errors.ts";
import { openError } from "./file-errors.ts";

/** Chunks of an image of a million planes. */
const mostFiles = 1_000_000;
/** Folders in folders. */
const mostLevels = 64;

/**
 * Paths of all files below a folder, from it, hidden ones among them, in the order of their bytes (`LC_ALL=C sort`). Throws `EdgeError` where
 * a folder cannot be listed, where something is neither a file nor a folder, and where there are more than anybody writes.
 */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  const look = async (below: string, level: number): Promise<void> => {
    const at = join(folder, below);
    if (level > mostLevels) throw beyondMeasure(at, `more than ${mostLevels} folders in one another`);
    const entries = await readdir(at, { withFileTypes: true }).catch((cause: unknown) => {
      throw openError(cause, at);
    });
    for (const entry of entries) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await look(path, level + 1);
      else if (entry.isFile()) found.push(path);
      else throw notPlain(join(folder, path));
      if (found.length > mostFiles) throw beyondMeasure(folder, `more than ${mostFiles} files`);
    }
  };
  await look("", 1);
  const inBytes = new Map(found.map((path) => [path, Buffer.from(path)]));
  return found.sort((one, other) => Buffer.compare(inBytes.get(one) ?? empty, inBytes.get(other) ?? empty));
}

const empty = Buffer.alloc(0);

function notPlain(file: string): EdgeError {
  return unsupportedError("inside an acquisition that is a folder there may be only files and folders", {
    code: "folder-not-plain",
    file,
    found: "a link, a pipe or a device",
    remedy: "Put the file itself in its place, or take it out of the folder",
  });
}

function beyondMeasure(file: string, found: string): EdgeError {
  return unsupportedError("the folder of the acquisition holds more than is allowed", {
    code: "folder-size",
    file,
    found,
    remedy: "Split the acquisition, or write it with larger chunks or with shards",
  });
}
