import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export type ServiceManager = ReturnType<typeof connectServiceManager>;

/**
 * What systemd hears of us (sd_notify(3)). Node has no UNIX datagram sockets and a native module would need a
 * compiler, so `systemd-notify` is run: a few milliseconds of another core each half watchdog interval. Silent
 * without NOTIFY_SOCKET.
 */
export function connectServiceManager(environment: NodeJS.ProcessEnv, pid: number) {
  const socket = environment["NOTIFY_SOCKET"] ?? "";
  // One after the other: READY must not overtake what was said before it.
  let last = Promise.resolve();
  const tell = (...assignments: string[]): void => {
    if (socket !== "") last = last.then(() => notify(socket, assignments));
  };
  const intervalMs = socket === "" ? undefined : watchdogIntervalMs(environment, pid);
  return {
    ready: (status: string): void => tell("READY=1", `STATUS=${oneLine(status)}`),
    status: (text: string): void => tell(`STATUS=${oneLine(text)}`),
    stopping: (status: string): void => tell("STOPPING=1", `STATUS=${oneLine(status)}`),
    /** While starting: asks for more time before the start counts as failed. */
    extendStart: (ms: number): void => tell(`EXTEND_TIMEOUT_USEC=${Math.round(ms * 1000)}`),
    /**
     * Pings the watchdog from a timer of this event loop, each time only after `alive` was kept: a blocked loop or a
     * ledger that does not answer stops it. Returns a function that ends it.
     */
    watch: (alive: () => Promise<unknown>): (() => void) => {
      if (intervalMs === undefined) return () => undefined;
      const timer = setInterval(() => {
        alive().then(
          () => tell("WATCHDOG=1"),
          // No ping: systemd ends what cannot do its work any more.
          () => undefined,
        );
      }, intervalMs);
      return () => clearInterval(timer);
    },
  };
}

/** Half the interval that systemd asks for (sd_watchdog_enabled(3)), or undefined where it does not ask us. */
export function watchdogIntervalMs(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const microseconds = Number(environment["WATCHDOG_USEC"]);
  if (!Number.isFinite(microseconds) || microseconds <= 0) return undefined;
  if (environment["WATCHDOG_PID"] !== undefined && Number(environment["WATCHDOG_PID"]) !== pid)
    return undefined;
  return microseconds / 1000 / 2;
}

async function notify(socket: string, assignments: readonly string[]): Promise<void> {
  const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", NOTIFY_SOCKET: socket };
  // Where the program is missing the unit's start times out and says so in the journal.
  await run("systemd-notify", assignments, { env, timeout: 5000 }).catch(() => undefined);
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a newline would begin another assignment
  return text.replace(/[\u0000-\u001f]/g, " ");
}
