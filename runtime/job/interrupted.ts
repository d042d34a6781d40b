import { type EdgeError, machineError } from "../../core/errors.ts";

/** Somebody asked for the end of the work; nothing is wrong. */
export function interrupted(): EdgeError {
  return machineError("the work was interrupted", { code: "interrupted", retryable: true });
}

/** Waits for `work`, but not beyond the abortion of `signal`; what `work` does afterwards is left to itself. */
export async function orInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw interrupted();
  let onAbort: () => void = () => undefined;
  const abortion = new Promise<never>((_, reject) => {
    onAbort = () => reject(interrupted());
    signal.addEventListener("abort", onAbort, { once: true });
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, abortion]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
