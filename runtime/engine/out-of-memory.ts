import { readFile, writeFile } from "node:fs/promises";
import type { ProcessEnd } from "../worker/process-channel.ts";

/** Of libstdc++ (also where it cannot start a thread), V8 and ONNX Runtime. */
const wordsOfNoMemory =
  /bad_alloc|out of memory|process OOM|failed to allocate|cannot allocate memory|Resource temporarily unavailable/i;

/**
 * Whether a process ended for lack of memory. SIGKILL says it only where the kernel counted a victim meanwhile: a
 * person's `kill -9` looks the same otherwise. The words count only where a program ended itself (SIGABRT, SIGTRAP, an
 * exit code): they may be of a tile long ago, which was answered with a smaller one. `kills`: of the kernel for lack of
 * memory, before the job and after its process had ended. Pure.
 */
export function ranOutOfMemory(
  { signal, killedByUs, stderr }: Omit<ProcessEnd, "how">,
  kills: { readonly before: number; readonly after: number },
): boolean {
  if (killedByUs) return false;
  if (signal === "SIGKILL") return kills.after > kills.before;
  return wordsOfNoMemory.test(stderr);
}

/** Processes that the kernel has killed for lack of memory since the machine started, in any container; 0 elsewhere. */
export async function oomKills(): Promise<number> {
  const text = await readFile("/proc/vmstat", "utf8").catch(() => "");
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Of -1000 to 1000, proc(5): a process with nothing better to say has 0. */
const oomScore = "500";

/**
 * Makes this process the one that the kernel kills when memory runs out: it costs one try of one job, while the
 * microscope's own program would cost an experiment. Where there is no such choice, nothing happens.
 */
export async function offerToOomKiller(): Promise<void> {
  await writeFile("/proc/self/oom_score_adj", oomScore).catch(() => undefined);
}
