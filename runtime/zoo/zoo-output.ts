import { isStatistical, type Operator } from "../../core/operators.ts";
import type { OutputMap } from "../intensity/denormalize.ts";
import { asFunction, inverseOf } from "./operator-chain.ts";
import { openPlaneSpool, type PlaneSpool } from "./plane-spool.ts";
import { type PlaneChains, type PlaneStream, resolveOperators } from "./resolve-operators.ts";

export interface ZooOutputTask {
  readonly after: readonly Operator[];
  /** The chains that made the network's input. */
  readonly before: PlaneChains;
  /** The unprocessed planes. */
  readonly input: PlaneStream;
  readonly planeVoxels: number;
  /** The final name of the result; what must be kept meanwhile lies beside it. */
  readonly target: string;
  /** Takes a finished plane and its map to samples; called by rising depth, one at a time. */
  readonly finish: (depth: number, values: Float32Array, map: OutputMap) => Promise<void>;
}

/** What comes after a zoo network. */
export interface ZooOutput {
  /** Takes a plane of network output, which it may change; by rising depth, one at a time. */
  readonly deliver: (depth: number, values: Float32Array) => Promise<void>;
  /** After the last plane. */
  readonly end: () => Promise<void>;
  /** Gives files back, whatever happened. */
  readonly close: () => Promise<void>;
}

const asItIs: OutputMap = { gain: 1, offset: 0 };

/**
 * The operators that a description puts after the network; where it puts none, the way back to the input's units.
 * Operators that need statistics of the output itself see the whole stack first: it waits on disk as float32.
 */
export async function openZooOutput(task: ZooOutputTask): Promise<ZooOutput> {
  const { after, before, input, finish } = task;
  if (after.length === 0) {
    return {
      deliver: (depth, values) => finish(depth, values, inverseOf(before(depth))),
      end: async () => undefined,
      close: async () => undefined,
    };
  }
  if (after.some(needsOutput)) return spooledOutput(task);
  // Only the input is asked: the output's stream is never read.
  const chains = await resolveOperators(after, input, input);
  return {
    deliver: (depth, values) => finish(depth, through(chains, depth, values), asItIs),
    end: async () => undefined,
    close: async () => undefined,
  };
}

function needsOutput(operator: Operator): boolean {
  return isStatistical(operator) && !(operator.name === "scale_range" && operator.of === "input");
}

async function spooledOutput({
  after,
  input,
  planeVoxels,
  target,
  finish,
}: ZooOutputTask): Promise<ZooOutput> {
  const spool = await openPlaneSpool(target, planeVoxels);
  const values = new Float32Array(planeVoxels);
  return {
    deliver: (depth, plane) => spool.write(depth, plane),
    async end() {
      const chains = await resolveOperators(after, spooledPlanes(spool, input.depth, values), input);
      for (let depth = 0; depth < input.depth; depth += 1) {
        await spool.read(depth, values);
        await finish(depth, through(chains, depth, values), asItIs);
      }
    },
    close: () => spool.close(),
  };
}

function spooledPlanes(spool: PlaneSpool, depth: number, into: Float32Array): PlaneStream {
  return {
    depth,
    sampleType: "float32",
    async *planes(first, end) {
      for (let at = first; at < end; at += 1) {
        await spool.read(at, into);
        yield into;
      }
    },
  };
}

function through(chains: PlaneChains, depth: number, values: Float32Array): Float32Array {
  const operate = asFunction(chains(depth));
  for (let i = 0; i < values.length; i += 1) values[i] = operate(values[i] as number);
  return values;
}
