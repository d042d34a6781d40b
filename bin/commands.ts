import type { DefineCommand } from "./command/command.ts";
import { defineBench } from "./commands/bench.ts";
import { defineCalibrate } from "./commands/calibrate.ts";
import { defineCompare } from "./commands/compare.ts";
import { defineDenoise } from "./commands/denoise.ts";
import { defineDoctor } from "./commands/doctor.ts";
import { defineExport } from "./commands/export.ts";
import { defineGpu } from "./commands/gpu.ts";
import { defineInfo } from "./commands/info.ts";
import { defineQueue } from "./commands/queue.ts";
import { defineSimulate } from "./commands/simulate.ts";
import { defineVerify } from "./commands/verify.ts";
import { defineWatch } from "./commands/watch.ts";

/** The commands in the order in which `--help` lists them. Their modules load heavy parts only when run. */
export const commands: readonly DefineCommand[] = [
  defineWatch,
  defineQueue,
  defineDenoise,
  defineCalibrate,
  defineCompare,
  defineInfo,
  defineExport,
  defineVerify,
  defineSimulate,
  defineBench,
  defineDoctor,
  defineGpu,
];
