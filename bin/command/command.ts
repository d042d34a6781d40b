import { relative, resolve } from "node:path";
import type { Command } from "commander";
import type { EngineOptions } from "../../runtime/engine/host.ts";
import type { Engine } from "../../runtime/job/denoise-job.ts";

/** What every command is given: where to write, and the signal that Ctrl-C raises. */
export interface CommandIo {
  /** Results. */
  readonly stdout: NodeJS.WritableStream;
  /** Progress and messages. */
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  readonly signal: AbortSignal;
  /** Whoever starts one stops it. */
  readonly startEngine: (options: EngineOptions) => Promise<Engine>;
}

/** Exit codes of all commands (docs/architecture.md). */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** What a command does; returns its exit code. What it throws is described in one line. */
export type CommandAction = () => Promise<number>;

/** Adds one subcommand to the program; `act` runs its action and keeps the exit code. */
export type DefineCommand = (
  program: Command,
  io: CommandIo,
  act: (action: CommandAction) => Promise<void>,
) => void;

/** A path as seen from the current folder; undefined where it does not lie below it. */
export function belowHere(path: string): string | undefined {
  const below = relative(process.cwd(), resolve(path));
  return below === "" || below.startsWith("..") ? undefined : below;
}

/** A path below the current folder as `./…`, any other as it is. */
export function near(path: string): string {
  const below = belowHere(path);
  return below === undefined ? path : `./${below}`;
}
