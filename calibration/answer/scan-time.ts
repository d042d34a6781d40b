/** What recording costs, in seconds. */
export interface ScanTiming {
  /** One scan of one field in one channel. */
  readonly scanS: number;
  /** Per field and channel, however many scans: moving, settling, changing filters, saving. */
  readonly overheadS: number;
  readonly fields: number;
  readonly channels: number;
  /** Where `scanS` is from. */
  readonly from: "option" | "exposure time" | "time axis";
}

/** Time of the whole mosaic with n scans averaged, in seconds: overhead does not shrink with n. */
export function mosaicTimeS({ scanS, overheadS, fields, channels }: ScanTiming, averages: number): number {
  return fields * channels * (overheadS + averages * scanS);
}

/** How many times faster `fast` averages are than `slow`; without timing, the ratio of the scans alone. */
export function speedUp(fast: number, slow: number, timing: ScanTiming | undefined): number {
  return timing === undefined ? slow / fast : mosaicTimeS(timing, slow) / mosaicTimeS(timing, fast);
}

/** "1 h 05 min", "3 min 20 s", "12 s". */
export function spokenTime(seconds: number): string {
  const rounded = Math.round(seconds);
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor((rounded % 3600) / 60);
  const rest = rounded % 60;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return minutes > 0 ? `${minutes} min ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}
