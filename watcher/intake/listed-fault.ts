import { type EdgeError, formatError, unsupportedError } from "../../core/errors.ts";
import type { Listed } from "./sweep.ts";

/** Why a file cannot be taken, as far as its listing alone shows it: name, kind and size. Pure. */
export function listedFault({ source: file, sizeBytes, verdict }: Listed): EdgeError | undefined {
  switch (verdict.kind) {
    // It cannot be opened under the name that we show, so nothing but another name mends it.
    case "misnamed":
      return unsupportedError("the file's name is not UTF-8", {
        code: "file-misnamed",
        file,
        remedy:
          "Rename it, for example with: convmv -f latin1 -t utf8 --notest FILE. The daemon then takes it by itself",
      });
    case "unsupported":
      return unsupportedError(`${verdict.format.name} files are not read`, {
        code: "container-unsupported",
        file,
        remedy: `Export the acquisition from ${verdict.format.exportFrom} as OME-TIFF into this folder, or let the acquisition program save TIFF`,
      });
    // The disk with the link's target may still be mounted.
    case "dangling":
      return formatError("the symbolic link leads to no file", {
        code: "link-dangling",
        file,
        remedy: "Mount the disk of its target, or make the link again. The daemon then takes it by itself",
      });
    case "special":
      return unsupportedError(`this is ${verdict.what} and not a file`, {
        code: "not-a-file",
        file,
        remedy: "Put the acquisition's file in its place, or rename it",
      });
    default:
      if (sizeBytes > 0) return undefined;
      return formatError("the file is empty", {
        code: "file-empty",
        file,
        remedy: "Copy the file again; it has no content",
      });
  }
}
