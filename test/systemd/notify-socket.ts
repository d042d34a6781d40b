import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { temporaryFolder } from "../watcher/temporary-folder.ts";

const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";

function missing(program: string): boolean {
  return spawnSync(program, ["--version"]).error !== undefined;
}

export const withoutNotify: string | false = missing("systemd-notify")
  ? "Debian's package systemd is not installed"
  : missing(python)
    ? "there is no Python to listen with"
    : false;

export interface NotifySocket {
  readonly path: string;
  readonly heard: { text: string; atMs: number }[];
  /** Whether one of the assignments was heard. */
  readonly has: (assignment: string) => boolean;
}

/** A real UNIX datagram socket in systemd's place. */
export async function notifySocket(t: TestContext): Promise<NotifySocket> {
  const path = join(await temporaryFolder(), "notify");
  const listener = spawn(python, [join(import.meta.dirname, "notify-listener.py"), path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => listener.kill("SIGKILL"));
  const heard: { text: string; atMs: number }[] = [];
  const lines = createInterface({ input: listener.stdout });
  await once(lines, "line");
  lines.on("line", (line) => heard.push({ text: String(JSON.parse(line)), atMs: performance.now() }));
  return {
    path,
    heard,
    has: (assignment) => heard.some(({ text }) => text.split("\n").includes(assignment)),
  };
}
