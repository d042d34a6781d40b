import { parentPort, Worker } from "node:worker_threads";
import type { Channel } from "./duties.ts";

export interface Thread extends Channel {
  /** Ends it, unless native code runs in it: that ends the process. */
  readonly terminate: () => Promise<void>;
}

/** Starts a program of ours as a thread of this process; one in plain JavaScript starts faster. */
export function startThread(program: URL, workerData?: unknown): Thread {
  // An empty execArgv: a thread would register a second time what the process was started with.
  const options = { workerData, execArgv: [] };
  const thread = program.pathname.endsWith(".ts")
    ? new Worker(new URL("./start-thread.js", import.meta.url), { ...options, argv: [program.href] })
    : new Worker(program, options);
  return {
    send: (message) => thread.postMessage(message),
    listen: (receive, ended) => {
      thread.on("message", receive);
      thread.on("error", (error) => ended({ how: error.message, cause: error }));
      thread.on("exit", (code) => ended({ how: `exit code ${code}` }));
    },
    terminate: async () => void (await thread.terminate()),
  };
}

/** From within a thread to whoever started it; the thread ends with it. */
export function parentOfThread(): Channel {
  if (parentPort === null) throw new Error("this is not a thread");
  const port = parentPort;
  return {
    send: (message) => port.postMessage(message),
    listen: (receive) => void port.on("message", receive),
  };
}
