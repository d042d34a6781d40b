import type { ChildProcess } from "node:child_process";
import { backoffMs } from "../../core/backoff.ts";
import { type ErrorReport, errorFromReport, machineError, reportOf } from "../../core/errors.ts";
import { forkProgram } from "../../runtime/worker/process-channel.ts";
import type { Finding, ScanSummary } from "../intake/scan.ts";
import type {
  FolderMemory,
  FolderSettings,
  FolderTasks,
  FromFolder,
  OutputState,
  TaskName,
  ToFolder,
  WatchMode,
} from "./protocol.ts";

/** One folder's disk work, done in a process that can be killed and is replaced when it hangs or dies. */
export interface FolderIo {
  readonly start: () => void;
  readonly ask: <Name extends TaskName>(
    name: Name,
    ask: FolderTasks[Name]["ask"],
  ) => Promise<FolderTasks[Name]["answer"]>;
  readonly rescan: () => void;
  readonly stop: () => Promise<void>;
}

export interface FolderIoEvents {
  /** A file came to rest or cannot be read; the next is told once the promise is kept. */
  readonly onFinding: (finding: Finding) => Promise<void>;
  readonly onSwept: (swept: {
    mode: WatchMode;
    mountPoint: string;
    summary: ScanSummary;
    output: OutputState;
  }) => void;
  readonly onUnreachable: (error: ErrorReport) => void;
  /** What the ledger holds, asked for whenever a process is started. */
  readonly memory: () => Promise<FolderMemory>;
}

export interface FolderIoOptions {
  readonly settings: FolderSettings;
  readonly events: FolderIoEvents;
  /** A process that is at work on the disk and says nothing for so long hangs. */
  readonly hangMs?: number;
  /** Tests put programs that hang or crash in its place. */
  readonly program?: URL;
}

const folderProgram = new URL("./child.ts", import.meta.url);
const restart = { firstMs: 1000, longestMs: 60_000 };

export function createFolderIo({
  settings,
  events,
  hangMs = 20_000,
  program = folderProgram,
}: FolderIoOptions): FolderIo {
  let child: ChildProcess | undefined;
  let stopping = false;
  let failures = 0;
  let restartTimer: NodeJS.Timeout | undefined;
  let hangTimer: NodeJS.Timeout | undefined;
  let lastId = 0;
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();

  const send = (message: ToFolder): void => {
    // A process that just died cannot be told anything; its exit is what counts.
    child?.send(message, () => undefined);
  };

  function begin(): void {
    const own = forkProgram(program, { stderr: "inherit" });
    child = own;
    own.on("message", (message: FromFolder) => receive(message));
    own.on("error", () => undefined);
    own.on("exit", () => ended());
    events.memory().then(
      (memory) => send({ kind: "start", settings, memory }),
      // The ledger is lost: the daemon is ending.
      () => own.kill("SIGKILL"),
    );
  }

  function receive(message: FromFolder): void {
    clearTimeout(hangTimer);
    if (message.kind !== "idle") hangTimer = setTimeout(kill, hangMs);
    if (message.kind === "finding") {
      events.onFinding(message.finding).then(
        () => send({ kind: "noted" }),
        (error: unknown) => {
          // Not written down, so it must be found again: by the next process, which knows only the ledger.
          events.onUnreachable(reportOf(error));
          child?.kill("SIGKILL");
        },
      );
    }
    if (message.kind === "swept") {
      failures = 0;
      events.onSwept(message);
    }
    if (message.kind === "unreachable") events.onUnreachable(message.error);
    if (message.kind === "answer") settle(message.id)?.resolve(message.answer);
    if (message.kind === "refusal") settle(message.id)?.reject(errorFromReport(message.error));
  }

  function settle(id: number) {
    const asker = waiting.get(id);
    waiting.delete(id);
    return asker;
  }

  /** A process that waits for a dead server dies only when the kernel lets it go; until then no other is started. */
  function kill(): void {
    const error = hanging(settings.path, hangMs);
    events.onUnreachable(reportOf(error));
    rejectAll(error);
    child?.kill("SIGKILL");
  }

  function ended(): void {
    clearTimeout(hangTimer);
    child = undefined;
    rejectAll(withoutProcess(settings.path));
    if (stopping) return;
    restartTimer = setTimeout(begin, backoffMs(restart, failures, Math.random()));
    failures += 1;
  }

  function rejectAll(error: Error): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  return {
    start: begin,
    ask: (name, ask) => {
      if (child === undefined) return Promise.reject(withoutProcess(settings.path));
      lastId += 1;
      const id = lastId;
      send({ kind: "task", id, name, ask });
      return new Promise((resolve, reject) =>
        waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject }),
      );
    },
    rescan: () => send({ kind: "rescan" }),
    stop: async () => {
      stopping = true;
      clearTimeout(restartTimer);
      clearTimeout(hangTimer);
      rejectAll(withoutProcess(settings.path));
      const own = child;
      if (own === undefined) return;
      // Nothing that it does needs to be ended well. One that hangs in the kernel is left behind.
      own.kill("SIGKILL");
      own.channel?.unref();
      own.unref();
    },
  };
}

function hanging(file: string, hangMs: number) {
  return machineError("the folder's disk does not answer", {
    code: "folder-unreachable",
    file,
    found: `no answer for ${hangMs / 1000} s`,
    remedy: "Check the share and its server; the daemon tries again by itself",
    retryable: true,
  });
}

/** Nothing is known of the disk then. */
function withoutProcess(file: string) {
  return machineError("the process that looks after the folder has ended", {
    code: "folder-unreachable",
    file,
    remedy: "The daemon starts it again by itself",
    retryable: true,
  });
}
