import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describeError, isEdgeError, usageError, visible } from "../core/errors.ts";
import { configFor } from "../watcher/config/flags.ts";
import type { DaemonConfig } from "../watcher/config/resolve.ts";

/**
 * Prints the unit's drop-in for a configuration: every folder that the daemon writes to, which `ProtectSystem=strict`
 * closes otherwise. install.sh runs it with the version that is to read the configuration, so it also tells
 * beforehand whether that version can.
 */

/** Each folder once: results, and where sources are moved from and to, and the ledger. Absolute paths. */
function writableFolders(config: DaemonConfig): string[] {
  const all = config.folders.flatMap(({ path, output, moveTo }) =>
    // A source that stays is only read.
    moveTo === undefined ? [output] : [path, output, moveTo],
  );
  return [...new Set([...all, config.state])];
}

/**
 * The text of the drop-in. `-`: a folder that is missing (a share that is not mounted) must not keep the daemon from
 * starting. Throws `EdgeError` (`usage`) for a path that no unit file can hold.
 */
function dropInFor(folders: readonly string[], configFile: string): string {
  const lines = folders.map((folder) => `ReadWritePaths=${quoted(folder)}\n`);
  return `# Written by install.sh from ${visible(configFile)}; after a change there: install.sh reconfigure\n[Service]\n${lines.join("")}`;
}

/** As systemd.syntax(7) reads it back: quotes, backslashes and `%` stand for themselves. */
function quoted(path: string): string {
  if (/[\n\r]/.test(path)) {
    throw usageError("a unit file cannot hold a path with a line break", {
      code: "unit-path",
      file: path,
      remedy: "Choose another folder, or run cnnt-edge without systemd",
    });
  }
  return `"-${path.replace(/["\\]/g, "\\$&").replaceAll("%", "%%")}"`;
}

async function main(file: string): Promise<number> {
  try {
    const install = dirname(import.meta.dirname);
    const folders = writableFolders(await configFor(file, {}, dirname(file), install));
    process.stdout.write(dropInFor(folders, file));
    for (const folder of folders.filter((one) => !existsSync(one))) {
      process.stderr.write(
        `${folder} does not exist: make it (or mount it), then run install.sh reconfigure; until then nothing can be written there\n`,
      );
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    return isEdgeError(error) && error.kind === "usage" ? 2 : 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv[2] ?? "");
