import { type ChildProcess, fork } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** What mutants did to the reader. A defect is a crash, an error without a type, or one beyond the limits. */
export interface MutantsOutcome {
  readonly read: number;
  readonly refused: number;
  readonly defects: readonly string[];
  readonly slowestMs: number;
  /** Of the reading process and of those that it started, beyond what it held before the first mutant. */
  readonly largestBytes: number;
}

export interface MutantLimits {
  readonly ms: number;
  readonly bytes: number;
}

/** None may take more. */
export const mutantLimits: MutantLimits = { ms: 5000, bytes: 2 ** 30 };

export type MutantRequest = { readonly index: number; readonly scratch: string };
export type MutantAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "read" | "refused"; readonly bytes: number }
  | { readonly kind: "defect"; readonly why: string; readonly bytes: number };

/**
 * Lets `program` read `count` mutants, one at a time, in a process that is replaced when it is lost or hangs; time and
 * memory of each are measured. The same index makes the same mutant, so that a defect can be had again.
 */
export async function readMutants(
  program: URL,
  count: number,
  scratch: string,
  limits: MutantLimits = mutantLimits,
): Promise<MutantsOutcome> {
  const counts = { read: 0, refused: 0 };
  const defects: string[] = [];
  let [slowestMs, largestBytes] = [0, 0];
  let reader = await startReader(program);
  for (let index = 0; index < count; index += 1) {
    const began = performance.now();
    const { answer, childBytes } = await reader.ask({ index, scratch }, 3 * limits.ms);
    const ms = performance.now() - began;
    const bytes = childBytes + (answer?.kind === "ready" ? 0 : (answer?.bytes ?? 0));
    slowestMs = Math.max(slowestMs, ms);
    largestBytes = Math.max(largestBytes, bytes);
    if (answer?.kind === "read" || answer?.kind === "refused") counts[answer.kind] += 1;
    else defects.push(`mutant ${index}: ${answer?.kind === "defect" ? answer.why : "the process was lost"}`);
    if (ms > limits.ms) defects.push(`mutant ${index}: ${ms.toFixed(0)} ms`);
    if (bytes > limits.bytes) defects.push(`mutant ${index}: ${(bytes / 2 ** 20).toFixed(0)} MiB`);
    if (answer === undefined) {
      reader.end();
      reader = await startReader(program);
    }
  }
  reader.end();
  return { ...counts, defects, slowestMs, largestBytes };
}

interface Reader {
  /** No answer when the process was lost, or took too long. */
  readonly ask: (
    request: MutantRequest,
    limitMs: number,
  ) => Promise<{ readonly answer: MutantAnswer | undefined; readonly childBytes: number }>;
  readonly end: () => void;
}

async function startReader(program: URL): Promise<Reader> {
  const child = fork(program, [], {
    execArgv: ["--import", import.meta.resolve("tsx")],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await nextAnswer(child, 60_000);
  return {
    async ask(request, limitMs) {
      let childBytes = 0;
      const looking = setInterval(() => {
        childBytes = Math.max(childBytes, memoryOfChildren(child.pid));
      }, 20);
      const answered = nextAnswer(child, limitMs);
      child.send(request);
      const answer = await answered;
      clearInterval(looking);
      return { answer, childBytes };
    },
    end: () => void child.kill("SIGKILL"),
  };
}

function nextAnswer(child: ChildProcess, limitMs: number): Promise<MutantAnswer | undefined> {
  return new Promise((resolve) => {
    const done = (answer?: MutantAnswer): void => {
      clearTimeout(limit);
      child.off("message", onMessage);
      child.off("exit", onExit);
      resolve(answer);
    };
    const onMessage = (message: unknown): void => done(message as MutantAnswer);
    const onExit = (): void => done();
    const limit = setTimeout(onExit, limitMs);
    child.once("message", onMessage);
    child.once("exit", onExit);
  });
}

/** Resident, in bytes; 0 where the system does not tell. */
function memoryOfChildren(pid: number | undefined): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const children = threads.flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").trim().split(" ").filter(Boolean),
    );
    return children.reduce((sum, one) => sum + bytesOf(`/proc/${one}/status`, "RssAnon"), 0);
  } catch {
    return 0;
  }
}

function bytesOf(statusFile: string, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(statusFile, "utf8"));
  return 1024 * Number(line?.[1] ?? 0);
}

/**
 * What a reading program does: answers each request with what `readMutant` makes of it. The peak of the process's memory
 * is counted anew for each mutant, which Linux can do.
 */
export function answerMutants(readMutant: (request: MutantRequest) => Promise<"read" | "refused">): void {
  const peak = (): number => {
    try {
      return bytesOf("/proc/self/status", "VmHWM");
    } catch {
      return 0;
    }
  };
  const answer = async (request: MutantRequest): Promise<void> => {
    await forgetPeak();
    const before = peak();
    let told: { kind: "read" | "refused" } | { kind: "defect"; why: string };
    try {
      told = { kind: await readMutant(request) };
    } catch (error) {
      told = { kind: "defect", why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.send?.({ ...told, bytes: Math.max(0, peak() - before) } satisfies MutantAnswer);
  };
  process.on("message", (request: MutantRequest) => void answer(request));
  process.on("disconnect", () => process.exit());
  process.send?.({ kind: "ready" } satisfies MutantAnswer);
}

async function forgetPeak(): Promise<void> {
  const { writeFile } = await import("node:fs/promises");
  await writeFile("/proc/self/clear_refs", "5").catch(() => undefined);
}

/** Prints what came of it; the exit code of a command. */
export function report(what: string, outcome: MutantsOutcome): number {
  const { read, refused, defects, slowestMs, largestBytes } = outcome;
  console.log(`${read + refused} ${what}: ${read} read, ${refused} refused, ${defects.length} defects`);
  console.log(`slowest ${slowestMs.toFixed(0)} ms, largest ${(largestBytes / 2 ** 20).toFixed(0)} MiB`);
  for (const defect of defects.slice(0, 10)) console.log(defect);
  return defects.length === 0 ? 0 : 1;
}
