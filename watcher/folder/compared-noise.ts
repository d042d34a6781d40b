import { machineError } from "../../core/errors.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "./folder.ts";

/** Tells a folder how noisy its newest acquisition was against the calibrations that are pinned to it, and warns. */
export function compareNoise(events: Events, folders: readonly Folder[], log: Pick<DaemonLog, "warn">) {
  events.on("jobChanged", (job) => {
    const noise = job.status === "done" ? job.outcome?.noise : undefined;
    if (noise === undefined) return;
    const folder = folders.find(({ config }) => config.name === job.folder);
    folder?.learn({ compared: { job: job.id, source: job.source, noise } });
    for (const { warning, noisier } of noise) {
      if (warning === undefined) continue;
      const code = noisier ? "noisier-than-calibrated" : "no-signal";
      log.warn(machineError(`${job.source}: ${warning}`, { code }), { job: job.id, folder: job.folder });
    }
  });
}
