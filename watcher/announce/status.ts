import { basename } from "node:path";
import type { ErrorReport } from "../../core/errors.ts";
import type { FolderStateBody, InfoBody, StateBody } from "../../core/messages.ts";
import { present } from "../../core/record.ts";
import type { WarmUpResult } from "../../runtime/job/denoise-job.ts";
import { passModel } from "../config/resolve.ts";
import type { EngineCondition } from "../events/daemon-events.ts";
import type { Folder } from "../folder/folder.ts";
import { againstPinned, folderState, troubleOf } from "../folder/folder-state.ts";
import type { Counts } from "../ledger/job.ts";
import type { KeptSources } from "../ledger/move-store.ts";
import { errorBody } from "../messages/job-message.ts";
import type { Model } from "../models/models.ts";

/** How the daemon stands, put into the words of its messages. Pure. */

export const heartbeatS = 30;

export function daemonState(
  folders: readonly Folder[],
  engine: { condition: EngineCondition; provider: string | undefined; reason: string | undefined },
  ledger: ErrorReport | undefined,
  phase: "running" | "draining" | "stopped",
  since: string,
): StateBody {
  const troubles = folders
    .map((folder) => ({ name: folder.config.name, trouble: troubleOf(folder.facts()) }))
    .flatMap(({ name, trouble }) => (trouble === undefined ? [] : [`folder ${name} ${trouble}`]));
  if (engine.condition === "lost") troubles.unshift(`engine: ${engine.reason ?? "lost"}`);
  // Nothing is done as long as nothing can be noted.
  if (ledger !== undefined) troubles.unshift(ledger.message);
  const body = {
    since,
    heartbeat_s: heartbeatS,
    engine: engine.condition,
    ...present({ provider: engine.provider }),
  };
  if (phase === "stopped") return { ...body, state: "offline", reason: "stopped" };
  if (phase === "draining") return { ...body, state: "draining", reason: "stopping" };
  if (troubles.length > 0) {
    const reason = troubles.join("; ").slice(0, 2000);
    return { ...body, state: "degraded", reason, ...present({ remedy: ledger?.remedy }) };
  }
  return { ...body, state: "online" };
}

export function folderBody(
  folder: Folder,
  counts: Counts["byFolder"][string] | undefined,
  kept: KeptSources | undefined,
  since: string,
): FolderStateBody {
  const unsettled = folder.unsettled();
  return {
    name: folder.config.name,
    ...folderState(folder.facts()),
    since,
    ...present({ last_seen: folder.lastSeen(), kept: kept && keptBody(kept) }),
    queued: counts?.queued ?? 0,
    waiting: {
      // A broken file is both: waiting in the ledger, and not at rest for the sweep.
      count: Math.max(counts?.waiting ?? 0, unsettled.count),
      ...present({ oldest_reason: counts?.oldestReason ?? unsettled.oldestReason }),
    },
    ...(folder.pinned.length === 0 ? {} : { calibration: againstPinned(folder.facts()) }),
  };
}

function keptBody({ count, error }: KeptSources): NonNullable<FolderStateBody["kept"]> {
  const { message, remedy } = error;
  return { count, oldest_reason: message, ...present({ remedy }) };
}

export function infoBody(
  version: string,
  started: string,
  folders: readonly Folder[],
  models: readonly Model[],
  engine: WarmUpResult | undefined,
  exposePaths: boolean,
): InfoBody {
  const modelName = (dir: string): string => (dir === passModel || exposePaths ? dir : basename(dir));
  return {
    version,
    api: 1,
    started,
    rejected_providers: (engine?.rejected ?? []).map(({ provider, reason }) => ({
      provider,
      reason: reason.message,
    })),
    ...present({
      provider: engine?.provider,
      runtime: engine?.runtimeVersion,
      network_voxels_per_s: engine?.networkVoxelsPerS,
    }),
    models: models.map((model) => {
      const name = modelName(model.dir);
      if ("error" in model) return { name, verified: false, error: errorBody(model.error) };
      const { version: modelVersion, modelSha256, settings } = model.package;
      return {
        name,
        version: modelVersion,
        sha256: modelSha256,
        intensity: settings.intensity.meaning,
        verified: true,
      };
    }),
    folders: folders.map(({ config, pinned }) => ({
      name: config.name,
      ...(exposePaths ? { path: config.path, output: config.output } : {}),
      model: modelName(config.model),
      channels: Object.fromEntries(
        Object.entries(config.channels).map(([channel, dir]) => [channel, modelName(dir)]),
      ),
      ...(pinned.length === 0 ? {} : { calibrations: pinned.map(({ calibration }) => calibration.id) }),
    })),
  };
}
