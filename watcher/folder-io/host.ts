import { backoffMs } from "../../core/backoff.ts";
import { type ErrorReport, machineError, reportOf } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { within } from "../../core/within.ts";
import { connect } from "../../runtime/worker/connect.ts";
import type { Peer } from "../../runtime/worker/duties.ts";
import { type ProcessEnd, startProcess, type WorkerProcess } from "../../runtime/worker/process-channel.ts";
import type { Finding } from "../intake/finding.ts";
import type {
  DaemonDuties,
  FolderDuties,
  FolderMemory,
  FolderSettings,
  FolderTasks,
  Swept,
} from "./protocol.ts";

export interface FolderIoEvents {
  /** A file came to rest or cannot be read; the next is told once the promise is kept. The answer: `DaemonDuties.finding`. */
  readonly onFinding: (finding: Finding) => Promise<boolean>;
  readonly onSwept: (swept: Swept) => void;
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
const unreachable = { code: "folder-unreachable", retryable: true };
const releaseMs = 1000;
const restart = { firstMs: 1000, longestMs: 60_000 };

/** One folder's disk work, done in a process that can be killed and is replaced when it hangs or dies. */
export function createFolderIo({
  settings,
  events,
  hangMs = 20_000,
  program = folderProgram,
}: FolderIoOptions) {
  let child: WorkerProcess | undefined;
  /** The same once it has begun and may be asked. */
  let folder: Peer<FolderDuties> | undefined;
  let stopping = false;
  let failures = 0;
  let restartTimer: NodeJS.Timeout | undefined;
  let hangTimer: NodeJS.Timeout | undefined;

  /** What a stop ended is no news. */
  function tellUnreachable(error: ErrorReport): void {
    if (!stopping) events.onUnreachable(error);
  }

  function begin(): void {
    const own = startProcess(program, { stderr: "inherit" });
    child = own;
    const peer = connect<FolderDuties, DaemonDuties>(
      own,
      {
        atWork: (atWork) => {
          clearTimeout(hangTimer);
          if (atWork) hangTimer = setTimeout(killHanging, hangMs);
        },
        finding: (finding) =>
          events.onFinding(finding).catch((error: unknown) => {
            // Not written down, so it must be found again: by the next process, which knows only the ledger.
            tellUnreachable(reportOf(error));
            own.kill("what it found was not written down");
            throw error;
          }),
        swept: (swept) => {
          failures = 0;
          events.onSwept(swept);
        },
        unreachable: tellUnreachable,
      },
      ({ how }) => {
        own.kill(how);
        return withoutProcess(settings.path);
      },
    );
    /** A process that waits for a dead server dies only when the kernel lets it go; until then no other is started. */
    function killHanging(): void {
      const error = hanging(settings.path, hangMs);
      tellUnreachable(reportOf(error));
      peer.end(error);
      own.kill(error.message);
    }
    void own.ended.then(ended);
    events.memory().then(
      (memory) => {
        peer.tell("start", { settings, memory });
        if (child === own) folder = peer;
      },
      // The ledger is lost: the daemon is ending.
      () => own.kill("the ledger is lost"),
    );
  }

  function ended({ how, killedByUs }: ProcessEnd): void {
    clearTimeout(hangTimer);
    [child, folder] = [undefined, undefined];
    if (stopping) return;
    // Once it is only started again. Where it ends again before it has swept, nobody looks at the folder.
    if (failures > 0 && !killedByUs) tellUnreachable(reportOf(withoutProcess(settings.path, how)));
    restartTimer = setTimeout(begin, backoffMs(restart, failures, Math.random()));
    failures += 1;
  }

  const ask: Peer<FolderTasks>["ask"] = async (name, value) => {
    if (folder === undefined) throw withoutProcess(settings.path);
    return folder.ask(name, value);
  };

  return {
    start: begin,
    ask,
    stop: async (): Promise<void> => {
      stopping = true;
      clearTimeout(restartTimer);
      clearTimeout(hangTimer);
      // A disk that hangs is not waited for: the lease is then left.
      if (folder !== undefined)
        await within(
          releaseMs,
          folder.ask("release", undefined).catch(() => undefined),
        );
      folder?.end(withoutProcess(settings.path));
      // Nothing that it does needs to be ended well.
      child?.leave();
    },
  };
}

function hanging(file: string, hangMs: number) {
  const remedy = "Check the share and its server; the daemon tries again by itself";
  const found = `no answer for ${hangMs / 1000} s`;
  return machineError("the folder's disk does not answer", { ...unreachable, file, found, remedy });
}

/** Nothing is known of the disk then. */
function withoutProcess(file: string, how?: string) {
  const remedy = "The daemon starts it again by itself; its log says why it ended";
  return machineError("the process that looks after the folder has ended", {
    ...unreachable,
    file,
    ...present({ found: how }),
    remedy,
  });
}
