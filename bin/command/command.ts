import type { Command } from "commander";

/** What every command is given: where to write, and the signal that Ctrl-C raises. */
export interface CommandIo {
  /** Results. */
  readonly stdout: NodeJS.WritableStream;
  /** Progress and messages. */
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  readonly signal: AbortSignal;
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
