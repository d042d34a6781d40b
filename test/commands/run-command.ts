import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { Writable } from "node:stream";
import { main } from "../../bin/main.ts";
import { sharedEngine } from "./shared-engines.ts";

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = resolve(import.meta.dirname, "../../bin/cnnt-edge.js");

/** Runs the command line as a person would, in a process of its own. */
export async function runCommand(
  args: readonly string[],
  cwd: string = process.cwd(),
  env: NodeJS.ProcessEnv = process.env,
): Promise<CommandResult> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd,
    env,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((done, fail) => {
    child.once("error", fail);
    child.once("close", done);
  });
  return { code, stdout, stderr };
}

/**
 * Runs the command line within this process, which saves starting one, and on shared engines: for what a command says and writes. Signals,
 * closed pipes and what a process leaves behind need one of their own.
 */
export async function runHere(args: readonly string[], cwd?: string): Promise<CommandResult> {
  const before = process.cwd();
  const said = { stdout: "", stderr: "" };
  const keep = (stream: keyof typeof said): Writable =>
    new Writable({
      decodeStrings: false,
      write: (text, _encoding, done) => {
        said[stream] += text;
        done();
      },
    });
  try {
    if (cwd !== undefined) process.chdir(cwd);
    const code = await main(args, { stdout: keep("stdout"), stderr: keep("stderr") }, sharedEngine);
    return { code, ...said };
  } finally {
    process.chdir(before);
  }
}
