import type { NetworkSettings } from "./network-duties.ts";
import type { InferenceSession } from "./onnx-runtime.ts";

/**
 * How sessions are made. The CPU arena stays on (tiles of one shape reuse it). Memory patterns are off: they lay all
 * that a second run of a shape needs into one new block beside what the first run left, which doubled the memory of a
 * large tile (6.8 to 13.4 GB) and made it slower, and gained nothing for small ones (bench/RESULTS.md). Threads do not
 * spin while they wait, because other programs of the microscope run on the same machine. Numbers too small to be normal count as
 * zero: 4 to 12 % faster at equal bits (measured once, script not kept: starter, 16 x 96 x 96, two runs of 8 in turns). On a GPU a node that the provider cannot run
 * fails the session instead of moving to the CPU in silence: what runs is what is announced.
 */
export function sessionOptions({
  provider,
  intraOpThreads,
}: NetworkSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === "cpu" ? ["cpu"] : [{ name: provider, deviceId: 0 }],
    intraOpNumThreads: intraOpThreads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "all",
    enableCpuMemArena: true,
    enableMemPattern: false,
    extra: {
      // Values must be strings: the binding throws on anything else.
      "session.intra_op.allow_spinning": "0",
      "session.set_denormal_as_zero": "1",
      ...(provider === "cpu" ? {} : { "session.disable_cpu_ep_fallback": "1" }),
    },
  };
}
