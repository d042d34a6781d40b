import type { Samples, SampleType } from "../../core/acquisition.ts";
import {
  isStatistical,
  type Moments,
  type Operator,
  type Percentiles,
  type Pointwise,
  type PointwiseOperator,
  pointwise,
  resolved,
} from "../../core/operators.ts";
import type { OutputMap } from "../intensity/denormalize.ts";
import { measureLevels } from "../intensity/stack-levels.ts";

/** The planes of a stack, `[height, width]` each, as often as they are asked for. */
export interface PlaneStream {
  readonly depth: number;
  readonly sampleType: SampleType;
  /** Planes `first` to `end - 1`; the array may be used again for the next. */
  readonly planes: (first: number, end: number) => AsyncIterable<Samples>;
}

/** Each plane's operators, statistics put in. */
export type PlaneChains = (depth: number) => OperatorChain;

/**
 * Measures what the operators need to know, in one pass over the stack for each that needs something (two for
 * percentiles of types of 32 bits and more), and none for the others. NaN and infinities do not count. `input` are the
 * unprocessed planes, which are `itself` before the network.
 */
export async function resolveOperators(
  operators: readonly Operator[],
  itself: PlaneStream,
  input: PlaneStream,
): Promise<PlaneChains> {
  const chains: OperatorChain[] = Array.from({ length: itself.depth }, () => []);
  const raw: OperatorChain[] = chains.slice();
  for (const operator of operators) {
    const length = isStatistical(operator) && operator.scope === "plane" ? 1 : itself.depth;
    for (let first = 0; first < itself.depth; first += length) {
      const end = first + length;
      const step = await resolved<Part>(
        operator,
        { stream: itself, first, end, chains: chains.slice(first, end) },
        { stream: input, first, end, chains: raw.slice(first, end) },
        { moments: momentsOf, percentiles: percentilesOf },
      );
      for (let at = first; at < end; at += 1) chains[at] = appended(chains[at] ?? [], step);
    }
  }
  return (depth) => chains[depth] ?? [];
}

/** Planes `first` to `end - 1` of a stream, as their chains make them; a chain for each. */
interface Part {
  readonly stream: PlaneStream;
  readonly first: number;
  readonly end: number;
  readonly chains: readonly OperatorChain[];
}

/** Plane by plane in two passes, planes joined by Chan's formula: no digits are lost to a large mean. */
async function momentsOf({ stream, first, end, chains }: Part): Promise<Moments> {
  let count = 0;
  let mean = 0;
  let squares = 0;
  let at = 0;
  for await (const samples of stream.planes(first, end)) {
    const plane = planeMoments(samples, asFunction(chains[at] ?? []));
    at += 1;
    if (plane.count === 0) continue;
    const total = count + plane.count;
    const apart = plane.mean - mean;
    squares += plane.squares + (apart * apart * count * plane.count) / total;
    mean += (apart * plane.count) / total;
    count = total;
  }
  return { mean, deviation: count === 0 ? 0 : Math.sqrt(squares / count) };
}

function planeMoments(samples: Samples, through: Pointwise) {
  let count = 0;
  let sum = 0;
  for (const sample of samples) {
    if (!Number.isFinite(sample)) continue;
    sum += through(sample);
    count += 1;
  }
  const mean = count === 0 ? 0 : sum / count;
  let squares = 0;
  for (const sample of samples) {
    if (Number.isFinite(sample)) squares += (through(sample) - mean) ** 2;
  }
  return { count, mean, squares };
}

async function percentilesOf(part: Part, low: number, high: number): Promise<Percentiles> {
  const { stream, first, end, chains } = part;
  const unchanged = chains.every((chain) => chain.length === 0);
  const levels = await measureLevels({
    sampleType: unchanged ? stream.sampleType : "float32",
    lowPercentile: low,
    highPercentile: high,
    planes: () => (unchanged ? stream.planes(first, end) : changedPlanes(part)),
  });
  return levels ?? { low: 0, high: 0 };
}

/** NaN and infinities stay what they are, whatever an operator would make of them. */
async function* changedPlanes({ stream, first, end, chains }: Part): AsyncGenerator<Samples> {
  let at = 0;
  for await (const samples of stream.planes(first, end)) {
    const through = asFunction(chains[at] ?? []);
    at += 1;
    yield Float32Array.from(samples, (sample) => (Number.isFinite(sample) ? through(sample) : Number.NaN));
  }
}

/** Operators without statistics, one after the other; neighbouring linear ones made one. */
export type OperatorChain = readonly PointwiseOperator[];

export function appended(chain: OperatorChain, operator: PointwiseOperator): OperatorChain {
  const last = chain.at(-1);
  if (last?.name !== "scale_linear" || operator.name !== "scale_linear") return [...chain, operator];
  const gain = last.gain * operator.gain;
  return [
    ...chain.slice(0, -1),
    { ...operator, gain, offset: last.offset * operator.gain + operator.offset },
  ];
}

export function asFunction(chain: OperatorChain): Pointwise {
  const [first, ...others] = chain.map(pointwise);
  if (first === undefined) return (value) => value;
  return others.reduce((all, next) => (value) => next(all(value)), first);
}

/** Back from the chain's values to samples; what a clip cut off does not come back. */
export function inverseOf(chain: OperatorChain): OutputMap {
  return chain.reduceRight(
    (map: OutputMap, operator): OutputMap => {
      if (operator.name !== "scale_linear" || operator.gain === 0) return map;
      return { gain: map.gain / operator.gain, offset: (map.offset - operator.offset) / operator.gain };
    },
    { gain: 1, offset: 0 },
  );
}
