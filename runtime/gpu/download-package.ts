import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { formatError, isEdgeError, reportOf, unsupportedError } from "../../core/errors.ts";
import { cut, type HttpAnswer, type HttpLimits, httpGet } from "./http-get.ts";
import type { PackageAddress } from "./package-address.ts";

export interface DownloadLimits extends HttpLimits {
  readonly maxBytes: number;
  /** Tries in a row that bring not one byte. */
  readonly attempts: number;
  /** Before the next of them; doubled with each that was in vain. */
  readonly pauseMs: number;
}

export const usualLimits: DownloadLimits = {
  protocol: "https:",
  connectMs: 30_000,
  stallMs: 60_000,
  // The package of 1.30.0 has some 250 MB.
  maxBytes: 3_000_000_000,
  attempts: 5,
  pauseMs: 500,
};

/** An index's description and a list of versions have some kilobytes. */
const maxJsonBytes = 4 << 20;

const indexSchema = z.object({ resources: z.array(z.object({ "@id": z.string(), "@type": z.string() })) });

/**
 * Brings the package into `folder`, and returns the file. What an earlier call has left there is gone on with; a
 * complete file is taken as it is, since whoever uses it compares its hash. Source: NuGet's documentation, "Package
 * Content" of the server API. Throws `EdgeError`, and the signal's reason when it is aborted.
 */
export async function downloadPackage(request: {
  readonly address: PackageAddress;
  readonly folder: string;
  readonly limits: DownloadLimits;
  readonly onProgress: (progress: {
    readonly bytes: number;
    /** Undefined where the server does not say it. */
    readonly totalBytes?: number;
    /** Of this attempt. */
    readonly bytesPerS: number;
  }) => void;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { address, folder, limits, signal } = request;
  const [name, version] = [address.name.toLowerCase(), address.version.toLowerCase()];
  const file = join(folder, `${name}.${version}.nupkg`);
  if ((await bytesOf(file)) > 0) return file;
  await mkdir(folder, { recursive: true });
  const partial = `${file}.partial`;
  const base = await untilItGoes(limits, signal, () => packageBase(address.index, limits, signal));
  const url = `${base}${name}/${version}/${name}.${version}.nupkg`;
  await untilItGoes(
    limits,
    signal,
    () => continueFile(url, partial, request),
    () => bytesOf(partial),
  );
  await rename(partial, file);
  return file;
}

/** Tries again what was cut, as long as tries bring something, and a few times where they do not. */
async function untilItGoes<T>(
  limits: DownloadLimits,
  signal: AbortSignal,
  attempt: () => Promise<T>,
  broughtBytes: () => Promise<number> = () => Promise.resolve(0),
): Promise<T> {
  let brought = await broughtBytes();
  for (let inVain = 0; ; ) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const now = await broughtBytes();
      inVain = now > brought ? 0 : inVain + 1;
      brought = now;
      if (!isEdgeError(error, "gpu-download-cut") || inVain >= limits.attempts) throw error;
      await pause(limits.pauseMs * 2 ** inVain, undefined, { signal });
    }
  }
}

/** The folder of all packages of the index, with a slash at its end. */
async function packageBase(index: string, limits: HttpLimits, signal: AbortSignal): Promise<string> {
  const answer = await httpGet(index, { accept: "application/json" }, limits, signal);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer.chunks) {
      bytes += chunk.length;
      if (bytes > maxJsonBytes) throw unknownIndex(index, `more than ${maxJsonBytes} bytes`);
      parts.push(chunk);
    }
  } finally {
    answer.drop();
  }
  try {
    const { resources } = indexSchema.parse(JSON.parse(Buffer.concat(parts).toString("utf8")));
    const base = resources.find((resource) => resource["@type"] === "PackageBaseAddress/3.0.0")?.["@id"];
    if (base !== undefined) return base.endsWith("/") ? base : `${base}/`;
  } catch (error) {
    throw unknownIndex(index, reportOf(error).message.split("\n")[0] ?? "");
  }
  throw unknownIndex(index, "no PackageBaseAddress/3.0.0");
}

/** Adds what is missing, or begins anew where the server does not go on. */
async function continueFile(
  url: string,
  partial: string,
  { limits, onProgress, signal }: Parameters<typeof downloadPackage>[0],
): Promise<void> {
  const have = await bytesOf(partial);
  const headers = { "accept-encoding": "identity", ...(have > 0 ? { range: `bytes=${have}-` } : {}) };
  const answer = await httpGet(url, headers, limits, signal);
  try {
    const start = await firstByte(answer, url, partial, have);
    const totalBytes = totalOf(answer, start);
    const handle = await open(partial, start > 0 ? "r+" : "w");
    const began = performance.now();
    let at = start;
    try {
      if ((totalBytes ?? 0) > limits.maxBytes) throw tooLarge(url, limits.maxBytes);
      for await (const chunk of answer.chunks) {
        if (at + chunk.length > limits.maxBytes) throw tooLarge(url, limits.maxBytes);
        await handle.write(chunk, 0, chunk.length, at);
        at += chunk.length;
        const bytesPerS = ((at - start) * 1000) / Math.max(1, performance.now() - began);
        onProgress({ bytes: at, bytesPerS, ...(totalBytes === undefined ? {} : { totalBytes }) });
      }
      if (totalBytes !== undefined && at !== totalBytes) throw cut(url, `${at} of ${totalBytes} bytes came`);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } finally {
    answer.drop();
  }
}

/** Where the answer's bytes belong: a server that does not know ranges sends all from the beginning. */
async function firstByte(answer: HttpAnswer, url: string, partial: string, have: number): Promise<number> {
  if (answer.status === 200) return 0;
  const range = answer.headers.get("content-range") ?? "";
  if (answer.status === 206 && range.startsWith(`bytes ${have}-`)) return have;
  await rm(partial, { force: true });
  throw cut(url, `HTTP status ${answer.status} with range ${range === "" ? "none" : range}`);
}

function totalOf({ headers, status }: HttpAnswer, start: number): number | undefined {
  if (status === 200 && headers.has("content-encoding")) return undefined;
  const length = headers.get("content-length");
  return length === null || !/^\d{1,15}$/.test(length) ? undefined : start + Number(length);
}

async function bytesOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

function tooLarge(url: string, maxBytes: number) {
  return formatError("the package is larger than any real one", {
    code: "gpu-download-too-large",
    file: url,
    allowed: `${maxBytes} bytes`,
  });
}

function unknownIndex(index: string, found: string) {
  return unsupportedError("the package index does not say where its packages are", {
    code: "gpu-index-unknown",
    file: index,
    found,
    remedy: "Fetch the archive on another machine and name it with --from",
  });
}
