import { createHash, randomUUID } from "node:crypto";
import { readFile, readlink, realpath } from "node:fs/promises";
import { hostname } from "node:os";
import type { LeaseHolder } from "./lease-file.ts";

/** This start of a daemon, as others are told of it. `state`: its state folder, which is there. */
export async function leaseHolder(instance: string, state: string): Promise<LeaseHolder> {
  const [boot, processes, place] = await Promise.all([
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => undefined),
    // Two containers of one machine have process numbers of their own.
    readlink("/proc/self/ns/pid").catch(() => undefined),
    realpath(state),
  ]);
  const host = hostname();
  return {
    token: randomUUID(),
    host,
    instance,
    since: new Date().toISOString(),
    daemon: createHash("sha256")
      .update(JSON.stringify([host, place]))
      .digest("hex")
      .slice(0, 16),
    machine: boot === undefined || processes === undefined ? "" : `${boot.trim()} ${processes}`,
    pid: process.pid,
  };
}
