// Plain JavaScript, and read before tsx is loaded: with too few open files that ends in a crash of Node, or as a defect.
import { readFileSync } from "node:fs";

/**
 * Measured on Linux with the CPU provider: a daemon with its own broker has 51 open and one more for each watch folder, its
 * engine 35 and up to 16 more while it reads a set of files. A job of one folder ran with a limit of 64, not with 48.
 */
export const fewestOpenFiles = 256;

/** How to have more. */
export const moreOpenFiles =
  "Raise the limit: ulimit -n 1024 in a shell, LimitNOFILE=1024 in a unit of systemd, --ulimit nofile=1024 for a container";

/** How many files this process may have open at the same time; undefined where the system does not tell. */
export function openFileLimit() {
  let limits;
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return undefined;
  }
  // The first number is the limit that counts. Node has raised it as far as it may go.
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (limit === undefined) return undefined;
  return limit === "unlimited" ? Number.POSITIVE_INFINITY : Number(limit);
}
