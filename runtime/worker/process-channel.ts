import { fork } from "node:child_process";
import { productVersion } from "../machine/product-version.ts";
import type { Channel, End } from "./duties.ts";

/** Before everything else, also before tsx. */
const preloaded = [
  new URL("../machine/no-inspector.js", import.meta.url).href,
  new URL("./end-with-parent.js", import.meta.url).href,
  import.meta.resolve("tsx/esm"),
];
const keptStderrCharacters = 4000;

export interface WorkerProcess extends Channel {
  readonly pid: number | undefined;
  /** The end of what it wrote there so far. */
  readonly stderr: () => string;
  /** Resolves when it is gone, with what is known about its end. */
  readonly ended: Promise<ProcessEnd>;
  /** Sends SIGKILL. */
  readonly kill: (why: string) => void;
  /** Sends SIGKILL and waits for nothing: a process that hangs in the kernel does not keep this one. */
  readonly leave: () => void;
  /** SIGTERM after `graceMs`, SIGKILL after a second more; resolves when it is gone. Ask it to end before. */
  readonly stop: (graceMs: number) => Promise<void>;
}

export interface ProcessEnd extends End {
  readonly signal: NodeJS.Signals | null;
  readonly killedByUs: boolean;
  /** The end of what it wrote there. */
  readonly stderr: string;
}

/**
 * Starts a TypeScript program of ours as a child that ends with this process, however this one ends: its loading is cut
 * short, or it has 5 s for clearing away. Messages go through Node's own serializer, which keeps what JSON loses. With
 * `pipe` its error output is kept, and the last words in it are told with its end.
 */
export function startProcess(
  program: URL,
  { stderr: toward, env }: { readonly stderr: "pipe" | "inherit"; readonly env?: NodeJS.ProcessEnv },
): WorkerProcess {
  const child = fork(program, [productVersion], {
    execArgv: preloaded.flatMap((module) => ["--import", module]),
    serialization: "advanced",
    stdio: ["ignore", "ignore", toward, "ipc"],
    env: env ?? process.env,
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
  const ended = new Promise<ProcessEnd>((resolve) => {
    const end = (what: string, signal: NodeJS.Signals | null): void => {
      const how = [killedBecause ?? what, lastWords(stderr)].filter((part) => part !== "");
      const killedByUs = killedBecause !== undefined;
      resolve({ how: how.join("; its last output: "), signal, killedByUs, stderr });
    };
    child.on("error", (error) => end(`it could not be started: ${error.message}`, null));
    // "close" and not "exit", so that its last words have arrived.
    child.once("close", (code, signal) =>
      end(signal === null ? `exit code ${code}` : `ended by ${signal}`, signal),
    );
  });
  return {
    pid: child.pid,
    stderr: () => stderr,
    ended,
    kill,
    leave: () => {
      child.kill("SIGKILL");
      child.channel?.unref();
      child.unref();
    },
    stop: async (graceMs) => {
      const term = setTimeout(() => child.kill("SIGTERM"), graceMs);
      const killing = setTimeout(() => child.kill("SIGKILL"), graceMs + 1000);
      await ended;
      clearTimeout(term);
      clearTimeout(killing);
    },
    send: (message) => {
      // The channel may be closing; `ended` tells what there is to know then.
      if (child.connected) child.send(message, () => undefined);
    },
    listen: (receive, onEnd) => {
      child.on("message", receive);
      void ended.then(onEnd);
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

/** From within a process to the one that started it, unless an update of our files came between the two. */
export const parentOfProcess: Channel = {
  // A parent that is gone is no error: "disconnect" tells of it. Without the callback Node would end this process with the
  // trace of an EPIPE.
  send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
  listen: (receive, ended) => {
    const [, , parentVersion] = process.argv;
    if (parentVersion !== productVersion) {
      process.stderr.write(
        `version ${parentVersion} of cnnt-edge started a process of version ${productVersion}: start cnnt-edge again\n`,
      );
      process.exit(1);
    }
    process.on("message", receive);
    process.on("disconnect", () => ended({ how: "disconnected" }));
  },
};
