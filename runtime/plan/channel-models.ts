import type { Acquisition } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest-name.ts";
import type { DenoiseJob } from "../job/denoise-job.ts";

/** In place of a package folder: the channel is copied unchanged. */
export const pass = "pass";

/**
 * The package folder, or `pass`, for each channel of an acquisition: by the channel's name, else by its index, else
 * the default. Throws `EdgeError` (`usage`) for a name or index that no channel has: a typo must not denoise a
 * channel that was to be left alone.
 */
export function channelModels(
  models: Pick<DenoiseJob["models"], "default" | "byChannel">,
  acquisition: Acquisition,
): string[] {
  const channels = Array.from({ length: acquisition.sizes.c }, (_, i) => ({
    index: String(i),
    name: acquisition.channels[i]?.name,
  }));
  for (const key of Object.keys(models.byChannel)) {
    if (channels.some(({ index, name }) => key === name || key === index)) continue;
    const near = nearestName(
      key,
      channels.flatMap(({ name }) => name ?? []),
    );
    throw usageError("no channel has this name or number", {
      code: "channel-unknown",
      file: acquisition.file,
      found: key,
      allowed: channels
        .map(({ index, name }) => (name === undefined ? index : `${index} (${name})`))
        .join(", "),
      remedy: `${near === undefined ? "" : `Did you mean ${near}? `}\`cnnt-edge info\` shows the channels of a file`,
    });
  }
  return channels.map(({ index, name }) => {
    const byName = name === undefined ? undefined : models.byChannel[name];
    return byName ?? models.byChannel[index] ?? models.default;
  });
}
