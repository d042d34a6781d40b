import { basename, dirname, join } from "node:path";
import type { Calibration } from "../../calibration/result/result.ts";
import type { CalibrationBody } from "../../core/messages.ts";
import { present } from "../../core/record.ts";

/** More levels than this are not told over MQTT: `calibration.json` has them all. */
const mostLevels = 32;
/** Texts that come from outside (names of models and files) are cut here. */
const longestText = 300;

/** A result as the outside sees it. `file`: its calibration.json. Pure. */
export function calibrationMessage(
  calibration: Calibration,
  file: string,
  { exposePaths, pinnedTo }: { exposePaths: boolean; pinnedTo?: readonly string[] },
): CalibrationBody {
  const { answer, model, field_px, levels, inputs, pixel_size_um } = calibration;
  return {
    id: calibration.id,
    status: "done",
    created: calibration.created,
    version: calibration.version,
    kind: calibration.kind,
    images: calibration.images,
    model: {
      name: cut(model.name),
      version: cut(model.version),
      sha256: cut(model.sha256),
      intensity: model.intensity,
    },
    provider: cut(calibration.provider),
    field_px: { z: field_px.z, y: field_px.y, x: field_px.x },
    ...present({ pixel_size_um, pinned_to: pinnedTo && [...pinnedTo] }),
    field: cut(basename(inputs[0] ?? "")),
    answer: {
      ...answer,
      headline: cut(answer.headline),
      sentences: answer.sentences.slice(0, mostLevels).map(cut),
    },
    levels: levels.slice(0, mostLevels).map(levelBody),
    report: exposePaths ? file : join(basename(dirname(file)), basename(file)),
  };
}

function levelBody({
  raw,
  denoised,
  ...level
}: Calibration["levels"][number]): CalibrationBody["levels"][number] {
  const interval = (of: { value: number | null; low: number | null; high: number | null }) => ({
    value: of.value,
    low: of.low,
    high: of.high,
  });
  return {
    averages: level.averages,
    ...present({
      raw_psnr_db: raw.psnr_db && interval(raw.psnr_db),
      psnr_db: denoised.psnr_db && interval(denoised.psnr_db),
      worth_scans: denoised.worth_scans && interval(denoised.worth_scans),
      meets_target: level.meets_target,
    }),
    noise_to_signal: level.noise_to_signal,
    verdicts: level.verdicts.map(({ verdict, evidence }) => ({ verdict, evidence: cut(evidence) })),
  };
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}
