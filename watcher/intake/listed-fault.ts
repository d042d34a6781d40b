import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import type { ForeignName } from "../../formats/foreign-formats.ts";
import type { Listed } from "./sweep.ts";

/** Why a file cannot be taken, as far as its listing alone shows it: name, kind and size. Pure. */
export function listedFault({ source, sizeBytes, verdict }: Listed): EdgeError | undefined {
  if (verdict.kind === "misnamed") return misnamed(source);
  if (verdict.kind === "unsupported") return foreignFile(source, verdict.format);
  if (verdict.kind === "dangling") return dangling(source);
  if (verdict.kind === "special") return special(source, verdict.what);
  return sizeBytes === 0 ? emptyFile(source) : undefined;
}

/** A file of that name cannot be opened under the name that we show, so nothing but another name mends it. */
function misnamed(file: string) {
  return unsupportedError("the file's name is not UTF-8", {
    code: "file-misnamed",
    file,
    remedy:
      "Rename it, for example with: convmv -f latin1 -t utf8 --notest FILE. The daemon then takes it by itself",
  });
}

function foreignFile(file: string, { name, exportFrom }: ForeignName) {
  return unsupportedError(`${name} files are not read`, {
    code: "container-unsupported",
    file,
    remedy: `Export the acquisition from ${exportFrom} as OME-TIFF into this folder, or let the acquisition program save TIFF`,
  });
}

/** The disk with the link's target may still be mounted. */
function dangling(file: string) {
  return formatError("the symbolic link leads to no file", {
    code: "link-dangling",
    file,
    remedy: "Mount the disk of its target, or make the link again. The daemon then takes it by itself",
  });
}

function special(file: string, what: string) {
  return unsupportedError(`this is ${what} and not a file`, {
    code: "not-a-file",
    file,
    remedy: "Put the acquisition's file in its place, or rename it",
  });
}

function emptyFile(file: string) {
  return formatError("the file is empty", {
    code: "file-empty",
    file,
    remedy: "Copy the file again; it has no content",
  });
}
