import type { DefineCommand } from "./command.ts";
import { defineSimulate } from "./commands/simulate.ts";

/** The commands in the order in which `--help` lists them. Their modules load heavy parts only when run. */
export const commands: readonly DefineCommand[] = [defineSimulate];
