import { asFloats, type Samples, type SampleType } from "../../core/acquisition.ts";

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

export interface OrderCounter {
  /** Passes over all samples that are needed: 1 or 2. */
  readonly passes: 1 | 2;
  /** Counts samples in the first pass. */
  readonly addUpper: (samples: Samples) => void;
  /** Finite samples of the first pass. */
  readonly count: () => number;
  /** Samples that are NaN or infinite. */
  readonly nonFinite: () => number;
  /** Announces, after the first pass, which ranks (from 0, in rising order of the samples) are wanted. */
  readonly want: (ranks: readonly number[]) => void;
  /** Counts the same samples once more; needed where `passes` is 2. */
  readonly addLower: (samples: Samples) => void;
  /** The sample of a wanted rank. */
  readonly valueAt: (rank: number) => number;
}

export function createOrderCounter(sampleType: SampleType): OrderCounter {
  const codec = codecs[sampleType]();
  // Doubles, because a stack may hold more than 2^32 samples of one value.
  const upper = new Float64Array(digits);
  /** For each upper half: 0, or the number (from 1) of the counters of its lower halves. */
  const counterOf = new Uint8Array(digits);
  const lower: Float64Array[] = [];
  let keys = new Uint32Array(0);
  let finite = 0;
  let seen = 0;

  const keysOf = (samples: Samples): Uint32Array => {
    if (keys.length < samples.length) keys = new Uint32Array(samples.length);
    return keys.subarray(0, codec.keys(samples, keys));
  };

  return {
    passes: codec.onePass ? 1 : 2,
    addUpper(samples) {
      if (codec.countUpper !== undefined) {
        codec.countUpper(samples, upper);
        finite += samples.length;
        seen += samples.length;
        return;
      }
      const found = keysOf(samples);
      for (let i = 0; i < found.length; i += 1) {
        const digit = (found[i] as number) >>> 16;
        upper[digit] = (upper[digit] as number) + 1;
      }
      finite += found.length;
      seen += samples.length;
    },
    count: () => finite,
    nonFinite: () => seen - finite,
    want(ranks) {
      if (codec.onePass) return;
      for (const rank of ranks) {
        const { digit } = placeIn(upper, rank);
        if (counterOf[digit] === 0) counterOf[digit] = lower.push(new Float64Array(digits));
      }
    },
    addLower(samples) {
      const found = keysOf(samples);
      for (let i = 0; i < found.length; i += 1) {
        const key = found[i] as number;
        const counts = lower[(counterOf[key >>> 16] as number) - 1];
        if (counts !== undefined) counts[key & 0xffff] = (counts[key & 0xffff] as number) + 1;
      }
    },
    valueAt(rank) {
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
