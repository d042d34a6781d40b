import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { CalibrationProgress } from "../../calibration/calibrate.ts";
import type { Calibration } from "../../calibration/result/result.ts";
import { describeError, usageError } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import type { CommandIo } from "../command/command.ts";
import { timeLeftS } from "./progress.ts";

export interface AnnouncerOptions {
  readonly mqtt?: string;
  readonly instance?: string;
  readonly config?: string;
}

/** A broker that is there takes no longer. */
const resultMs = 5_000;

/**
 * What `calibrate --mqtt` tells while it runs and when it ends, on the way to the broker that `watch` would take with the
 * same flags and `--config`. Undefined where nothing of it was asked for. Throws `EdgeError` where the configuration is
 * wrong, never for the broker.
 */
export async function openAnnouncer({ mqtt, instance, config: file }: AnnouncerOptions, io: CommandIo) {
  if (mqtt === undefined && file === undefined) return undefined;
  const { configFor } = await import("../../watcher/config/flags.ts");
  const { openBroker } = await import("../../watcher/publish/broker-access.ts");
  const { calibrationMessage } = await import("../../watcher/messages/calibration-message.ts");
  const { createCalibrationPublisher } = await import("../../watcher/publish/calibration-publisher.ts");
  const install = fileURLToPath(new URL("../..", import.meta.url));
  const config = await configFor(file, present({ mqtt, instance }), process.cwd(), install);
  if (config.mqtt.url === null) throw noBroker(file);
  const access = await openBroker(config.mqtt, "", "");
  const publisher = createCalibrationPublisher(access, config.instance, (error) => {
    io.stderr.write(
      `warning: ${describeError(error)}. The calibration goes on. Its result will be on disk in any case; a daemon to which it is pinned publishes it\n`,
    );
  });
  const startMs = performance.now();
  let last: { id: string; done: number; total: number } | undefined;
  const elapsedS = (): number => (performance.now() - startMs) / 1000;
  return {
    progress(id: string, { doing, done, total }: CalibrationProgress): void {
      last = { id, done, total };
      const left = timeLeftS(elapsedS(), total > 0 ? Math.min(1, done / total) : 0);
      publisher.progress({
        id,
        status: "running",
        doing,
        done_voxels: done,
        total_voxels: total,
        elapsed_s: elapsedS(),
        ...present({ eta_s: left }),
      });
    },
    async result(calibration: Calibration, path: string): Promise<void> {
      last = undefined;
      const exposePaths = config.mqtt.expose_paths;
      const body = calibrationMessage(calibration, resolve(path), { exposePaths });
      const topic = await publisher.result(body, resultMs);
      if (topic !== undefined) io.stderr.write(`published: ${topic} at ${access.name}\n`);
    },
    /** No result: it failed or was interrupted. Says so where it was running. */
    async end(): Promise<void> {
      if (last !== undefined) {
        const { id, done, total } = last;
        const status = io.signal.aborted ? "interrupted" : "failed";
        publisher.progress({
          id,
          status,
          doing: status,
          done_voxels: done,
          total_voxels: total,
          elapsed_s: elapsedS(),
        });
      }
      await publisher.stop();
    },
  };
}

function noBroker(file: string | undefined) {
  return usageError("the configuration names no broker to publish at", {
    code: "calibrate-no-broker",
    ...present({ file }),
    remedy:
      "Give --mqtt. For the daemon's embedded broker use the address that `watch` prints, for example mqtt://127.0.0.1:1883",
  });
}
