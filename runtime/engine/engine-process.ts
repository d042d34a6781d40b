import { forkProgram } from "../worker/process-channel.ts";
import { type FromEngine, fromEngineSchema, type ToEngine } from "./protocol.ts";

/** One life of an engine process, without any knowledge of jobs. */
export interface EngineProcess {
  readonly pid: number | undefined;
  readonly send: (message: ToEngine) => void;
  /** Resolves when the process is gone, with what is known about its end. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends SIGKILL. */
  readonly kill: (why: string) => void;
  /** Polite message, SIGTERM after `graceMs`, SIGKILL after a second more; resolves when it is gone. */
  readonly stop: (graceMs: number) => Promise<void>;
}

export interface ProcessEnd {
  /** In words, its last ones included. */
  readonly how: string;
  readonly signal: NodeJS.Signals | null;
  readonly killedByUs: boolean;
  /** The end of what it wrote there. */
  readonly stderr: string;
}

export interface EngineProcessOptions {
  /** The program to run; tests put others in its place. */
  readonly program: URL;
  readonly env: NodeJS.ProcessEnv;
  readonly onMessage: (message: FromEngine) => void;
  /** Called at `checkEveryMs` intervals when nothing was heard for `silentChecks` of them. */
  readonly checkEveryMs: number;
  readonly silentChecks: number;
}

const keptStderrCharacters = 4000;

/**
 * For glibc: blocks below 32 MB (a tile's result, which the binding makes anew for each tile) are kept for the next
 * one, up to 256 MB, instead of being mapped, touched page by page and unmapped each time. It halves the time inside
 * `session.run` of a network that does nothing; larger blocks still go back at once.
 */
const mallocSettings = { MALLOC_MMAP_THRESHOLD_: "33554432", MALLOC_TRIM_THRESHOLD_: "268435456" };

export function startEngineProcess(options: EngineProcessOptions): EngineProcess {
  const child = forkProgram(options.program, {
    stderr: "pipe",
    env: { ...mallocSettings, ...options.env },
  });

  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-keptStderrCharacters);
    if (process.env["CNNT_EDGE_DEBUG"] !== undefined) process.stderr.write(text);
  });

  let killedBecause: string | undefined;
  const kill = (why: string): void => {
    killedBecause ??= why;
    child.kill("SIGKILL");
  };

  // Counted in checks, not in time of day: a laptop that slept an hour has not missed an hour of heartbeats.
  let silent = 0;
  const check = setInterval(() => {
    silent += 1;
    if (silent > options.silentChecks) kill(`it was silent for ${(silent * options.checkEveryMs) / 1000} s`);
  }, options.checkEveryMs);
  check.unref();

  child.on("message", (raw) => {
    silent = 0;
    const message = fromEngineSchema.safeParse(raw);
    if (message.success) options.onMessage(message.data);
    else kill("it sent a message that the protocol does not know");
  });

  const ended = new Promise<ProcessEnd>((resolve) => {
    const end = (what: string, signal: NodeJS.Signals | null): void => {
      clearInterval(check);
      const how = [killedBecause ?? what, lastWords(stderr)].filter((part) => part !== "");
      resolve({
        how: how.join("; its last output: "),
        signal,
        killedByUs: killedBecause !== undefined,
        stderr,
      });
    };
    child.once("error", (error) => end(`it could not be started: ${error.message}`, null));
    // "close" and not "exit", so that its last words have arrived.
    child.once("close", (code, signal) =>
      end(signal === null ? `exit code ${code}` : `ended by ${signal}`, signal),
    );
  });

  return {
    pid: child.pid,
    ended,
    kill,
    send(message) {
      // The channel may be closing; `ended` tells what there is to know then.
      if (child.connected) child.send(message, () => undefined);
    },
    async stop(graceMs) {
      if (child.connected) child.send({ kind: "stop" } satisfies ToEngine, () => undefined);
      const term = setTimeout(() => child.kill("SIGTERM"), graceMs);
      const killing = setTimeout(() => child.kill("SIGKILL"), graceMs + 1000);
      await ended;
      clearTimeout(term);
      clearTimeout(killing);
    },
  };
}

/** The last line that names a fatal error, because V8 ends with its stack and `#`; else the last with a word in it. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /[a-z]{2}/i.test(line));
  return lines.findLast((line) => /fatal|what\(\):/i.test(line)) ?? lines.at(-1) ?? "";
}
