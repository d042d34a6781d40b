import type { Samples } from "../core/acquisition.ts";
import { usageError } from "../core/errors.ts";

export interface PngSpec {
  readonly width: number;
  readonly height: number;
  /** 8 for screens, 16 for programs that measure. */
  readonly bits: 8 | 16;
  /** Sample values that become black and white; what lies beyond is clipped, NaN is black. */
  readonly black: number;
  readonly white: number;
}

/** A plane, `[Y, X]`, as the bytes of a grey PNG: linear from `black` to `white`, rounded to nearest. */
export async function encodePng(samples: Samples, spec: PngSpec): Promise<Uint8Array> {
  const { width, height, bits, black, white } = spec;
  if (samples.length !== width * height || !(white > black)) {
    throw usageError("the plane cannot be shown as stated", {
      code: "png-spec",
      found: `${samples.length} samples as ${width} x ${height}, black ${black}, white ${white}`,
      allowed: "width times height samples, and white above black",
    });
  }
  const grey = bits === 8 ? new Uint8Array(samples.length) : new Uint16Array(samples.length);
  const top = 2 ** bits - 1;
  const range = white - black;
  for (let index = 0; index < samples.length; index += 1) {
    const value = (((samples[index] ?? 0) - black) * top) / range;
    // NaN fails every comparison.
    grey[index] = value > 0 ? Math.min(top, Math.round(value)) : 0;
  }
  const { default: sharp } = await import("sharp");
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace(bits === 8 ? "b-w" : "grey16")
    .png()
    .toBuffer();
}
