import { usageError } from "../../core/errors.ts";
import { meanSquaredErrorOf } from "../metrics/mean-squared-error.ts";

/**
 * What the result must reach. `psnr`: this many dB. `equivalent`: as near to the truth as the average of this many
 * raw scans. `as-good-as`: that, and no coarser in resolution and with nothing invented: "our usual protocol".
 */
export type Target =
  | { readonly kind: "psnr"; readonly value: number }
  | { readonly kind: "equivalent"; readonly value: number }
  | { readonly kind: "as-good-as"; readonly value: number };

/** Reads `psnr=35`, `equivalent=8`, `as-good-as=8`. SSIM is refused: reference noise biases it. */
export function parseTarget(text: string): Target {
  const [, kind, number] = /^([a-z-]+\d*)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const value = Number(number);
  if (kind === "psnr" || ((kind === "equivalent" || kind === "as-good-as") && value >= 1))
    return { kind, value };
  throw usageError("this is not a target", {
    code: "target",
    found: text,
    allowed: "psnr=DB, equivalent=SCANS or as-good-as=SCANS",
    remedy: kind?.startsWith("ssim")
      ? "The reference's own noise lowers SSIM, so SSIM can be reported but cannot be a target"
      : "For example --target as-good-as=8, if 8 averages are what you use today",
  });
}

/** The squared error that meets the target. */
export function errorAllowed(target: Target, scanVariance: number, dataRange: number): number {
  return target.kind === "psnr" ? meanSquaredErrorOf(target.value, dataRange) : scanVariance / target.value;
}
