import { type EdgeError, isEdgeError, machineError } from "../../core/errors.ts";

export interface HttpLimits {
  /** `https:`; tests without certificates say `http:`. Holds for every redirect too. */
  readonly protocol: "https:" | "http:";
  /** Until the answer's head is there. */
  readonly connectMs: number;
  /** Without a byte while the answer comes in. */
  readonly stallMs: number;
}

export interface HttpAnswer {
  /** 200; or 206 or 416 where a range was asked for. */
  readonly status: number;
  readonly headers: Headers;
  /** Throws `EdgeError` (`gpu-download-cut`) when it stalls or is cut. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the connection; must be called, read or not. */
  readonly drop: () => void;
}

const maxRedirects = 5;
const redirects: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Asks for `url`. Throws `EdgeError`: `gpu-download-cut`, which may go better the next time, or
 * `gpu-download-refused`, which will not; and the signal's reason when it is aborted.
 */
export async function httpGet(
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: HttpLimits,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const watch = watchSilence(url, signal);
  let at = url;
  try {
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const target = new URL(at);
      if (target.protocol !== limits.protocol) throw refused(at, `${target.protocol} instead of https:`);
      watch.allow(limits.connectMs);
      const answer = await fetch(target, { headers, redirect: "manual", signal: watch.signal });
      const next = redirects.includes(answer.status) ? answer.headers.get("location") : null;
      if (next === null) return answerOf(answer, at, limits, watch, signal);
      await answer.body?.cancel();
      at = new URL(next, target).href;
    }
    throw refused(at, `more than ${maxRedirects} redirects`);
  } catch (error) {
    watch.end();
    throw asCut(error, at, signal);
  }
}

function answerOf(
  answer: Response,
  url: string,
  limits: HttpLimits,
  watch: SilenceWatch,
  signal: AbortSignal,
): HttpAnswer {
  const { status, headers, body } = answer;
  if (status >= 500 || status === 429) throw cut(url, `HTTP status ${status}`);
  if (status !== 200 && status !== 206 && status !== 416) throw refused(url, `HTTP status ${status}`);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      watch.allow(limits.stallMs);
      for await (const chunk of body ?? []) {
        yield chunk;
        watch.allow(limits.stallMs);
      }
    } catch (error) {
      throw asCut(error, url, signal);
    }
  }
  return { status, headers, chunks: chunks(), drop: watch.end };
}

interface SilenceWatch {
  readonly signal: AbortSignal;
  /** From now on so long may pass before the signal is raised. */
  readonly allow: (ms: number) => void;
  /** Stops watching, and whatever is still under way. */
  readonly end: () => void;
}

function watchSilence(url: string, outer: AbortSignal): SilenceWatch {
  const silence = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: AbortSignal.any([outer, silence.signal]),
    allow(ms) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(cut(url, `nothing came for ${ms / 1000} s`)), ms);
    },
    end() {
      clearTimeout(timer);
      silence.abort();
    },
  };
}

/** What `fetch` throws says "fetch failed"; the cause says why. */
function asCut(error: unknown, url: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (!(error instanceof Error) || isEdgeError(error)) return error;
  const cause = error.cause instanceof Error ? error.cause.message : error.message;
  return cut(url, cause);
}

/** Whether a new attempt goes better, nobody knows. */
export function cut(url: string, found: string): EdgeError {
  const proxied = ["https_proxy", "HTTPS_PROXY"].some((name) => process.env[name] !== undefined);
  const proxy = proxied
    ? " HTTPS_PROXY is set: Node takes it only from version 24, with NODE_USE_ENV_PROXY=1."
    : "";
  return machineError("the download broke off", {
    code: "gpu-download-cut",
    file: url,
    found,
    retryable: true,
    remedy: `Run the command again; it continues the download. Without internet, copy the archive from another machine and name it with --from.${proxy}`,
  });
}

function refused(url: string, found: string): EdgeError {
  return machineError("the package index does not give the package", {
    code: "gpu-download-refused",
    file: url,
    found,
    remedy: "Fetch the archive on another machine and name it with --from",
  });
}
