import { startEngine } from "../runtime/engine/host.ts";
import type { DaemonConfig } from "../watcher/config/resolve.ts";
import { type Daemon, startDaemon } from "../watcher/daemon.ts";

/** A whole daemon in this process, with the real engine, that says nothing. It makes its folders. */
export function startQuietDaemon(config: DaemonConfig): Promise<Daemon> {
  const nothing = (): void => undefined;
  return startDaemon({
    config,
    version: "bench",
    log: { info: nothing, warn: nothing, error: nothing, forwardTo: nothing },
    environment: {},
    startEngine,
    onJob: nothing,
    onProgress: nothing,
    makeFolders: true,
  });
}
