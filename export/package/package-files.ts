import { realpath, stat } from "node:fs/promises";
import { join, normalize, sep } from "node:path";
import { formatError, systemCode } from "../../core/errors.ts";

/**
 * The path of a regular file of a package's folder, by the name that its description calls it; undefined where there is
 * none. The folder itself may be reached through a link; a name or a link in it that leads out of it is refused.
 * Throws `EdgeError` (`format`), and what the file system says. Nothing is opened: a named pipe would hold the open for ever.
 */
export async function fileInPackage(dir: string, name: string): Promise<string | undefined> {
  const relative = normalize(name);
  if (relative.startsWith("..") || relative.startsWith(sep) || name.includes("\0")) {
    throw formatError("the description names a file outside its folder", {
      code: "package-file-outside",
      file: dir,
      found: name,
      remedy: "Every file of a package must lie in its folder",
    });
  }
  const path = join(dir, relative);
  const [folder, real] = await Promise.all([realpath(dir), realpath(path).catch(noneThere)]);
  if (real === undefined) return undefined;
  if (!real.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    throw formatError("a link in the package leads out of its folder", {
      code: "package-file-outside",
      file: path,
      found: `a link to ${real}`,
      remedy: "Copy the file itself into the folder",
    });
  }
  const facts = await stat(path).catch(noneThere);
  if (facts === undefined) return undefined;
  if (facts.isFile()) return path;
  throw formatError("this is not a regular file", {
    code: "package-file-kind",
    file: path,
    found: facts.isDirectory() ? "a folder" : "a pipe, a socket or a device",
    remedy: "Copy the whole package again from where it came",
  });
}

/** No such name can be there. */
const absent: ReadonlySet<string | undefined> = new Set(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"]);

/** A disk that fails is another matter: whoever reads the package says so. */
function noneThere(error: unknown): undefined {
  if (absent.has(systemCode(error))) return undefined;
  throw error;
}

/** As `fileInPackage`, for a file that must be there. */
export async function memberFile(dir: string, name: string): Promise<string> {
  const path = await fileInPackage(dir, name);
  if (path !== undefined) return path;
  throw formatError("a file that the description names is missing", {
    code: "package-file-missing",
    file: join(dir, normalize(name)),
    remedy: "Copy the whole package folder, or export it again",
  });
}
