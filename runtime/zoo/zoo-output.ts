import { type FileHandle, open, unlink } from "node:fs/promises";
import { machineError } from "../../core/errors.ts";
import { isStatistical, type Operator } from "../../core/operators.ts";
import { writeError } from "../../formats/file/file-errors.ts";
import { claimPartial, forgetPartial } from "../../formats/file/partial-name.ts";
import type { OutputMap } from "../intensity/denormalize.ts";
import {
  asFunction,
  inverseOf,
  type PlaneChains,
  type PlaneStream,
  resolveOperators,
} from "./resolve-operators.ts";

interface ZooOutputTask {
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
interface ZooOutput {
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

type PlaneSpool = Awaited<ReturnType<typeof openPlaneSpool>>;

/**
 * Float32 planes on disk, for what can only be said when the whole stack is known: a file beside `target`, where there is
 * room for the result too. It loses its name at once, so that nothing is left of it however the process ends; where the
 * system does not allow that, when it is closed.
 */
async function openPlaneSpool(target: string, planeVoxels: number) {
  const path = claimPartial(target);
  const handle: FileHandle = await open(path, "wx+").catch((error: unknown) => {
    forgetPartial(path);
    throw writeError(error, target);
  });
  const unnamed = await unlink(path).then(
    () => true,
    () => false,
  );
  const planeBytes = planeVoxels * Float32Array.BYTES_PER_ELEMENT;
  const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, planeBytes);
  return {
    async write(depth: number, values: Float32Array): Promise<void> {
      const bytes = bytesOf(values);
      for (let written = 0; written < planeBytes; ) {
        const at = depth * planeBytes + written;
        const { bytesWritten } = await handle
          .write(bytes, written, planeBytes - written, at)
          .catch((error: unknown) => Promise.reject(writeError(error, target)));
        written += bytesWritten;
      }
    },
    async read(depth: number, into: Float32Array): Promise<void> {
      const { bytesRead } = await handle.read(bytesOf(into), 0, planeBytes, depth * planeBytes);
      if (bytesRead === planeBytes) return;
      throw machineError("a plane of the unfinished result could not be read back", {
        code: "spool-lost",
        file: target,
        retryable: true,
        remedy: "Check the disk of the results folder",
      });
    },
    async close(): Promise<void> {
      await handle.close();
      if (!unnamed) await unlink(path).catch(() => undefined);
      forgetPartial(path);
    },
  };
}
