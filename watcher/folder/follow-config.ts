import { stat } from "node:fs/promises";
import { reportOf, visible } from "../../core/errors.ts";
import { configChanges } from "../config/config-changes.ts";
import type { DaemonConfig, ModelChoice } from "../config/resolve.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Folder } from "./folder.ts";

export interface FollowConfigOptions {
  readonly file: string;
  /** As at the start: checked, with the flags laid over it. Throws `EdgeError`. */
  readonly read: () => Promise<DaemonConfig>;
  readonly running: DaemonConfig;
  readonly folders: readonly Folder[];
  readonly choose: (folder: Folder, choice: ModelChoice) => Promise<void>;
  readonly log: Pick<DaemonLog, "info" | "warn">;
}

/**
 * Looks at the configuration's file once a sweep. When it has changed and was the same at two looks, the models that it
 * gives to the folders are taken; the log names what else was changed, which the next start takes. One that is refused
 * changes nothing. Answers what ends the looks.
 */
export function followConfig(options: FollowConfigOptions): () => void {
  const { file, read, running, folders, choose, log } = options;
  let taken: string | undefined;
  let seen: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  /** Why the file was refused when it was read last. */
  let refusal: string | undefined;

  async function take(next: DaemonConfig): Promise<void> {
    const now = { ...running, folders: folders.map(({ config }) => config) };
    const { choices, later } = configChanges(now, next);
    for (const choice of choices) {
      const folder = folders.find(({ config }) => config.name === choice.name);
      if (folder === undefined || isEnded) continue;
      const models = [choice.model, ...Object.entries(choice.channels).map((pair) => pair.join(": "))];
      log.info(visible(`${choice.name}: the configuration gives it another model: ${models.join(", ")}`));
      await choose(folder, choice);
    }
    if (later.length > 0)
      log.info(visible(`${file} has changed: ${later.join(", ")}. Restart the daemon to use that`));
  }

  /** Read again at each look while it is refused: what is wrong may lie beside it, as a model that comes or a right. */
  async function readNow(): Promise<DaemonConfig | undefined> {
    try {
      const next = await read();
      if (refusal !== undefined) log.info(visible(`${file} is in order again`));
      refusal = undefined;
      return next;
    } catch (error) {
      const { message } = reportOf(error);
      if (message !== refusal) log.warn(error);
      refusal = message;
      return undefined;
    }
  }

  async function look(): Promise<void> {
    // A file that is away for a moment is being replaced.
    const facts = await stat(file).catch(() => undefined);
    const now = facts === undefined ? seen : `${facts.mtimeMs} ${facts.ctimeMs} ${facts.size} ${facts.ino}`;
    const isStill = now === seen;
    seen = now;
    if (!isStill || now === taken) return;
    const next = await readNow();
    if (next === undefined) return;
    taken = now;
    await take(next);
  }

  function lookByTheClock(): void {
    if (isEnded) return;
    timer = setTimeout(() => {
      void look().catch(log.warn).then(lookByTheClock);
    }, running.settle.sweep_s * 1000);
  }

  lookByTheClock();
  return () => {
    isEnded = true;
    clearTimeout(timer);
  };
}
