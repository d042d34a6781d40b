import { type ErrorReport, errorFromReport } from "../../core/errors.ts";
import { connect } from "../worker/connect.ts";
import type { Peer } from "../worker/duties.ts";
import { type ProcessEnd, startProcess } from "../worker/process-channel.ts";
import type { EngineDuties, EngineSettings, HostDuties, WarmUp } from "./engine-duties.ts";

/** One process of the engine, from its start to its end; knows of no other. */
export interface EngineLife {
  readonly engine: Peer<EngineDuties>;
  /** What it measured; rejects where it cannot be had, or ended before. */
  readonly warmUp: Promise<WarmUp>;
  /** Asks it to end, then makes it; resolves when it is gone. */
  readonly stop: (graceMs: number) => Promise<void>;
}

export interface LifeOptions {
  /** The program to run; tests put others in its place. */
  readonly program: URL;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: EngineSettings;
  /** It is killed when its heart did not beat for so long. */
  readonly silenceMs: number;
  /** The process is gone; `stuck`: killed, because its network hung. All that waits for it is refused with the answer. */
  readonly onEnd: (end: ProcessEnd, stuck: Error | undefined) => Promise<Error>;
}

const checksPerSilence = 10;
/** For a process that has refused to start. */
const unfitGraceMs = 5_000;

/**
 * For glibc: blocks below 32 MB (a tile's result, which the binding makes anew for each tile) are kept for the next
 * one, up to 256 MB, instead of being mapped, touched page by page and unmapped each time. It halves the time inside
 * `session.run` of a network that does nothing; larger blocks still go back at once.
 */
const mallocSettings = { MALLOC_MMAP_THRESHOLD_: "33554432", MALLOC_TRIM_THRESHOLD_: "268435456" };

export function beginLife({ program, env, settings, silenceMs, onEnd }: LifeOptions): EngineLife {
  const own = startProcess(program, { stderr: "pipe", env: { ...mallocSettings, ...env } });
  let stuck: Error | undefined;

  // Counted in checks, not in time of day: a laptop that slept an hour has not missed an hour of heartbeats.
  let silentChecks = 0;
  const check = setInterval(() => {
    silentChecks += 1;
    if (silentChecks > checksPerSilence) own.kill(`it was silent for ${silenceMs / 1000} s`);
  }, silenceMs / checksPerSilence);
  check.unref();

  const engine = connect<EngineDuties, HostDuties>(
    own,
    {
      stuck: (report: ErrorReport) => {
        stuck = errorFromReport(report);
        own.kill(report.message);
      },
      heartbeat: () => {
        silentChecks = 0;
      },
    },
    async ({ how }) => {
      clearInterval(check);
      own.kill(how);
      return onEnd(await own.ended, stuck);
    },
  );
  const stop = (graceMs: number): Promise<void> => {
    engine.tell("stop", undefined);
    return own.stop(graceMs);
  };
  const warmUp = engine.ask("start", settings);
  // One that cannot work has nothing to wait for. Whoever needs the engine awaits `warmUp`.
  warmUp.catch(() => stop(unfitGraceMs));
  return { engine, warmUp, stop };
}
