import type { Samples } from "../core/acquisition.ts";
import { usageError } from "../core/errors.ts";

/** A plane, `[Y, X]`, as the bytes of a grey PNG of 8 bits: linear from `black` to `white`, rounded to nearest. */
export async function encodePng(
  samples: Samples,
  spec: {
    readonly width: number;
    readonly height: number;
    /** Sample values that become black and white; what lies beyond is clipped, NaN is black. */
    readonly black: number;
    readonly white: number;
  },
): Promise<Uint8Array> {
  const { width, height, black, white } = spec;
  if (samples.length !== width * height || !(white > black)) {
    throw usageError("the plane cannot be shown as stated", {
      code: "png-spec",
      found: `${samples.length} samples as ${width} x ${height}, black ${black}, white ${white}`,
      allowed: "width times height samples, and white above black",
    });
  }
  const grey = new Uint8Array(samples.length);
  const range = white - black;
  for (let index = 0; index < samples.length; index += 1) {
    const value = (((samples[index] ?? 0) - black) * 255) / range;
    // NaN fails every comparison.
    grey[index] = value > 0 ? Math.min(255, Math.round(value)) : 0;
  }
  const { default: sharp } = await import("sharp");
  return sharp(grey, { raw: { width, height, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}
