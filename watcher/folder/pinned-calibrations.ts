import { noiseReferenceOf } from "../../calibration/pinned/noise-reference.ts";
import { readCalibration } from "../../calibration/pinned/read-calibration.ts";
import type { Calibration } from "../../calibration/result/result.ts";
import type { CalibrationBody } from "../../core/messages.ts";
import { present } from "../../core/record.ts";
import type { FolderConfig } from "../config/resolve.ts";
import { calibrationMessage } from "../messages/calibration-message.ts";
import type { Model } from "../models/models.ts";

/** A calibration that the configuration pins to a folder. */
export interface PinnedCalibration {
  /** Its `calibration.json`. */
  readonly file: string;
  /** The channel that it speaks for, by name or index; undefined: every denoised one. */
  readonly channel: string | undefined;
  readonly calibration: Calibration;
}

/** Throws `EdgeError` (`usage`) for a file that cannot be read or is no calibration. */
export async function readPinned({ calibration }: FolderConfig): Promise<readonly PinnedCalibration[]> {
  const wanted = [
    ...(calibration.all === undefined ? [] : [{ file: calibration.all, channel: undefined }]),
    ...Object.entries(calibration.byChannel).map(([channel, file]) => ({ file, channel })),
  ];
  return Promise.all(
    wanted.map(async ({ file, channel }) => ({ file, channel, calibration: await readCalibration(file) })),
  );
}

/** What is told of the calibrations that are pinned to each folder, one message for each pin. */
export function pinnedMessages(
  folders: readonly {
    readonly config: Pick<FolderConfig, "name">;
    readonly pinned: readonly PinnedCalibration[];
  }[],
  exposePaths: boolean,
): CalibrationBody[] {
  const pinnedTo = (id: string): string[] =>
    folders.flatMap(({ config, pinned }) =>
      pinned.some(({ calibration }) => calibration.id === id) ? [config.name] : [],
    );
  return folders
    .flatMap(({ pinned }) => pinned)
    .map(({ calibration, file }) =>
      calibrationMessage(calibration, file, { exposePaths, pinnedTo: pinnedTo(calibration.id) }),
    );
}

/** What the engine holds acquisitions of a folder against; undefined where there is nothing to hold them against. */
export function noiseReferencesOf(pinned: readonly PinnedCalibration[]) {
  const references = pinned.flatMap(({ channel, calibration }) => {
    const reference = noiseReferenceOf(calibration);
    return reference === undefined ? [] : [{ channel, reference }];
  });
  if (references.length === 0) return undefined;
  const forAll = references.find(({ channel }) => channel === undefined);
  return {
    ...present({ default: forAll?.reference }),
    byChannel: Object.fromEntries(
      references.flatMap(({ channel, reference }) => (channel === undefined ? [] : [[channel, reference]])),
    ),
  };
}

/**
 * The calibration's answer holds for its own model only. Says so where the folder runs another one: a sentence, and no
 * refusal, because the noise of the input can still be compared and the microscope does not wait.
 */
export function otherModelWarning(
  { model, channels }: FolderConfig,
  pinned: readonly PinnedCalibration[],
  models: readonly Model[],
): string | undefined {
  for (const { calibration, channel } of pinned) {
    const dirs = channel === undefined ? [model, ...Object.values(channels)] : [channels[channel] ?? model];
    const running = models.flatMap((one) =>
      "package" in one && dirs.includes(one.dir) ? [one.package] : [],
    );
    const [first] = running;
    if (first === undefined || running.some(({ modelSha256 }) => modelSha256 === calibration.model.sha256))
      continue;
    return `calibration ${calibration.id} was made with model ${calibration.model.name} ${calibration.model.version} (${calibration.model.sha256.slice(0, 12)}), this folder runs ${first.name} ${first.version} (${first.modelSha256.slice(0, 12)}): its answer does not hold here. Calibrate again with the folder's model`;
  }
  return undefined;
}
