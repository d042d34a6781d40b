import { asFloats, type Samples, type SampleType } from "../../core/acquisition.ts";
import type { StackLevels } from "../../core/intensity-map.ts";

/**
 * The two percentiles (0 to 100, numpy's `linear`) and the extremes of a whole stack, exactly, in one pass over its
 * planes (two for types of 32 bits and more). NaN and infinities do not count. Undefined where nothing is finite.
 */
export async function measureLevels(stack: {
  readonly sampleType: SampleType;
  readonly lowPercentile: number;
  readonly highPercentile: number;
  /** All planes, each as often as asked for; an array may be used again for the next. */
  readonly planes: () => AsyncIterable<Samples>;
}): Promise<StackLevels | undefined> {
  const counter = createOrderCounter(stack.sampleType);
  for await (const samples of stack.planes()) counter.addUpper(samples);
  const count = counter.count();
  if (count === 0) return undefined;

  const low = percentilePosition(count, stack.lowPercentile);
  const high = percentilePosition(count, stack.highPercentile);
  counter.want([low.below, low.above, high.below, high.above, count - 1]);
  if (counter.isTwoPass) {
    for await (const samples of stack.planes()) counter.addLower(samples);
  }
  return {
    low: interpolate(counter.valueAt(low.below), counter.valueAt(low.above), low.fraction),
    high: interpolate(counter.valueAt(high.below), counter.valueAt(high.above), high.fraction),
    max: counter.valueAt(count - 1),
  };
}

/**
 * Exact order statistics of more samples than fit into memory, by counting: samples become 32-bit keys that sort as
 * they do; one pass counts the keys' upper 16 bits, a second one the lower 16 bits of those keys that may be the
 * answer. Samples of 8 and 16 bits are known after the first pass. Memory: a few counters of 65,536 entries.
 */

const digits = 1 << 16;

/** `key = keyOf(sample)`; NaN marks a sample without a place in the order (NaN, infinities). */
interface KeyCodec {
  /** Whether the upper 16 bits tell the key. */
  readonly onePass: boolean;
  /** Counts the upper halves of all samples' keys without writing these down, where that can be done. */
  readonly countUpper?: (samples: Samples, counts: Float64Array) => void;
  /** Writes the keys of the finite samples and returns how many they are. */
  readonly keys: (samples: Samples, into: Uint32Array) => number;
  readonly value: (key: number) => number;
}

/** 8 and 16 bit integers stand in the upper half, shifted to be unsigned. */
function narrow(offset: number): KeyCodec {
  return {
    onePass: true,
    countUpper(samples, counts) {
      for (let i = 0; i < samples.length; i += 1) {
        const digit = (samples[i] as number) + offset;
        counts[digit] = (counts[digit] as number) + 1;
      }
    },
    keys(samples, into) {
      for (let i = 0; i < samples.length; i += 1) into[i] = ((samples[i] as number) + offset) << 16;
      return samples.length;
    },
    value: (key) => (key >>> 16) - offset,
  };
}

function wide(offset: number): KeyCodec {
  return {
    onePass: false,
    keys(samples, into) {
      for (let i = 0; i < samples.length; i += 1) into[i] = (samples[i] as number) + offset;
      return samples.length;
    },
    value: (key) => key - offset,
  };
}

/**
 * IEEE binary32 sorts like its bits where the sign bit is flipped for positive numbers and all bits for negative ones.
 * Doubles are rounded to float32 first, as they are for the network.
 */
function float(): KeyCodec {
  const number = new Float32Array(1);
  const bits = new Uint32Array(number.buffer);
  return {
    onePass: false,
    keys(samples, into) {
      const floats = asFloats(samples);
      const raw = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
      let count = 0;
      for (let i = 0; i < raw.length; i += 1) {
        const word = raw[i] as number;
        // All exponent bits set: infinity or NaN.
        if ((word & 0x7f80_0000) === 0x7f80_0000) continue;
        into[count] = word >>> 31 === 1 ? ~word : word ^ 0x8000_0000;
        count += 1;
      }
      return count;
    },
    value(key) {
      bits[0] = key >>> 31 === 1 ? key ^ 0x8000_0000 : ~key;
      return number[0] as number;
    },
  };
}

const codecs: Readonly<Record<SampleType, () => KeyCodec>> = {
  uint8: () => narrow(0),
  int8: () => narrow(0x80),
  uint16: () => narrow(0),
  int16: () => narrow(0x8000),
  uint32: () => wide(0),
  int32: () => wide(0x8000_0000),
  float32: float,
  float64: float,
};

function createOrderCounter(sampleType: SampleType) {
  const codec = codecs[sampleType]();
  // Doubles, because a stack may hold more than 2^32 samples of one value.
  const upper = new Float64Array(digits);
  /** For each upper half: 0, or the number (from 1) of the counters of its lower halves. */
  const counterOf = new Uint8Array(digits);
  const lower: Float64Array[] = [];
  let keys = new Uint32Array(0);
  let finite = 0;

  const keysOf = (samples: Samples): Uint32Array => {
    if (keys.length < samples.length) keys = new Uint32Array(samples.length);
    return keys.subarray(0, codec.keys(samples, keys));
  };

  return {
    /** Whether all samples must be counted once more. */
    isTwoPass: !codec.onePass,
    /** Counts samples in the first pass. */
    addUpper(samples: Samples): void {
      if (codec.countUpper !== undefined) {
        codec.countUpper(samples, upper);
        finite += samples.length;
        return;
      }
      const found = keysOf(samples);
      for (let i = 0; i < found.length; i += 1) {
        const digit = (found[i] as number) >>> 16;
        upper[digit] = (upper[digit] as number) + 1;
      }
      finite += found.length;
    },
    /** Finite samples of the first pass. */
    count: (): number => finite,
    /** Announces, after the first pass, which ranks (from 0, in rising order of the samples) are wanted. */
    want(ranks: readonly number[]): void {
      if (codec.onePass) return;
      for (const rank of ranks) {
        const { digit } = placeIn(upper, rank);
        if (counterOf[digit] === 0) counterOf[digit] = lower.push(new Float64Array(digits));
      }
    },
    /** Counts the same samples in the second pass. */
    addLower(samples: Samples): void {
      const found = keysOf(samples);
      for (let i = 0; i < found.length; i += 1) {
        const key = found[i] as number;
        const counts = lower[(counterOf[key >>> 16] as number) - 1];
        if (counts !== undefined) counts[key & 0xffff] = (counts[key & 0xffff] as number) + 1;
      }
    },
    /** The sample of a wanted rank. */
    valueAt(rank: number): number {
      const { digit, before } = placeIn(upper, rank);
      const counts = lower[(counterOf[digit] as number) - 1];
      const low = counts === undefined ? 0 : placeIn(counts, rank - before).digit;
      return codec.value(((digit << 16) | low) >>> 0);
    },
  };
}

/** The counter that holds the sample of this rank, and how many samples the counters before it hold. */
function placeIn(counts: Float64Array, rank: number): { digit: number; before: number } {
  let before = 0;
  for (let digit = 0; digit < counts.length; digit += 1) {
    const here = counts[digit] as number;
    if (rank < before + here) return { digit, before };
    before += here;
  }
  return { digit: counts.length - 1, before };
}

/**
 * numpy.percentile, method `linear`: the value at position `(n - 1) · q / 100` of the sorted samples, interpolated
 * between the two order statistics around it. In float64, with numpy's own order of operations (`_lerp`): from the
 * nearer end, so that the result never leaves the interval.
 */
export function percentilePosition(count: number, q: number) {
  const position = ((count - 1) * q) / 100;
  const below = Math.min(Math.max(Math.floor(position), 0), count - 1);
  return { below, above: Math.min(below + 1, count - 1), fraction: position - below };
}

export function interpolate(low: number, high: number, fraction: number): number {
  const difference = high - low;
  return fraction >= 0.5 ? high - difference * (1 - fraction) : low + difference * fraction;
}
