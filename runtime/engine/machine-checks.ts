import { execFile } from "node:child_process";
import { readFile, statfs } from "node:fs/promises";
import { cpus, freemem, totalmem } from "node:os";
import { promisify } from "node:util";
import { reportOf } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { type NvidiaGpu, nvidiaGpus } from "../../export/package/nvidia-gpus.ts";
import { readPackage } from "../../export/package/read-package.ts";
import { verifyPackage } from "../../export/package/verify-package.ts";
import { moreOpenFiles, openFileLimit } from "../machine/open-files.js";
import { onnxRuntimeVersion } from "../machine/product-version.ts";
import { providerNames } from "../machine/providers.ts";
import { availableBytes } from "../plan/memory-need.ts";
import { whyNot } from "./choose-provider.ts";
import { runTensor } from "./run-tensor.ts";
import { runnableModel } from "./runnable-model.ts";

/**
 * One thing that was looked at. `ok`; `lacks`: something that would be good to have; `broken`: nothing can be denoised
 * until it is mended.
 */
export interface MachineCheck {
  readonly what: string;
  readonly state: "ok" | "lacks" | "broken";
  readonly found: string;
  readonly remedy?: string;
}

const oldestNode = [20, 19] as const;
const littleMemoryBytes = 4e9;
const littleDiskBytes = 10e9;
const fewWatches = 65_536;
const littleOpenFiles = 1024;
/** When this check was written: a clock before it is wrong. */
const writtenAt = Date.UTC(2026, 0, 1);

const run = promisify(execFile);

/** Looks at everything that denoising rests on. `model` is the package folder that is verified. */
export async function checkMachine(model: string, folder: string): Promise<MachineCheck[]> {
  return [
    checkNode(process.versions.node),
    checkProcessor(await readFile("/proc/cpuinfo", "utf8").catch(() => "")),
    checkMemory(totalmem(), Math.min(freemem(), availableBytes())),
    await checkDisk(folder),
    await checkGraphicsDriver(),
    { what: "ONNX Runtime", state: "ok", found: `onnxruntime-node ${onnxRuntimeVersion()}` },
    ...(await checkProviders(model)),
    await checkModel(model),
    await checkClock(Date.now()),
    await checkWatches(),
    checkOpenFiles(openFileLimit()),
  ];
}

/** `problem`: what to do where something is amiss; undefined where all is well. */
function checked(
  what: string,
  found: string,
  problem: string | undefined,
  state: "lacks" | "broken" = "lacks",
): MachineCheck {
  return problem === undefined ? { what, state: "ok", found } : { what, state, found, remedy: problem };
}

export function checkNode(version: string): MachineCheck {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return checked(
    "Node",
    version,
    enough ? undefined : `Install Node ${oldestNode.join(".")} or newer`,
    "broken",
  );
}

/** `cpuinfo` is the text of /proc/cpuinfo. */
export function checkProcessor(cpuinfo: string): MachineCheck {
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1]?.split(" ") ?? [];
  const vectors = ["avx2", "avx512f", "amx_tile", "asimd"].filter((flag) => flags.includes(flag));
  const found = `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} threads, ${vectors.join(" ") || "no wide vectors"}`;
  const remedy =
    "Without AVX2 the network is several times slower: pass the host's CPU model on to this virtual machine";
  return checked("CPU", found, cpuinfo === "" || vectors.length > 0 ? undefined : remedy);
}

export function checkMemory(totalBytes: number, freeBytes: number): MachineCheck {
  const found = `${gigabytes(freeBytes)} free of ${gigabytes(totalBytes)}`;
  const remedy =
    "Free memory, or give tiles less (engine.memory_limit, --memory-limit): a file whose tiles need more than is free is refused or waits";
  return checked("memory", found, freeBytes >= littleMemoryBytes ? undefined : remedy);
}

async function checkDisk(folder: string): Promise<MachineCheck> {
  const facts = await statfs(folder).catch(() => undefined);
  if (facts === undefined) return { what: "disk", state: "lacks", found: `${folder} cannot be read` };
  const freeBytes = facts.bavail * facts.bsize;
  const remedy =
    freeBytes >= littleDiskBytes ? undefined : "Make room, or write results elsewhere with --out";
  return checked("disk", `${gigabytes(freeBytes)} free at ${folder}`, remedy);
}

async function checkGraphicsDriver(): Promise<MachineCheck> {
  const gpus = (await nvidiaGpus()).map(describeGpu);
  const remedy =
    "If this machine has an NVIDIA GPU, install its driver (580 or newer for CUDA 13); otherwise the CPU is used";
  return gpus.length > 0
    ? checked("NVIDIA driver", gpus.join("; "), undefined)
    : checked("NVIDIA driver", "nvidia-smi found no GPU", remedy);
}

function describeGpu({ name, driver, totalBytes, freeBytes }: NvidiaGpu): string {
  const memory =
    totalBytes === undefined || freeBytes === undefined
      ? "memory unknown"
      : `${gigabytes(freeBytes)} free of ${gigabytes(totalBytes)}`;
  return `${name}, driver ${driver}, ${memory}`;
}

async function checkProviders(model: string): Promise<MachineCheck[]> {
  const checks: MachineCheck[] = [];
  for (const provider of providerNames) {
    const what = `provider ${provider}`;
    const reason = await whyNot(provider, model).catch(reportOf);
    const state = provider === "cpu" ? "broken" : "lacks";
    checks.push(
      reason === undefined
        ? { what, state: "ok", found: "runs the model's test tensor" }
        : { what, state, found: reason.message, ...present({ remedy: reason.remedy }) },
    );
  }
  return checks;
}

async function checkModel(dir: string): Promise<MachineCheck> {
  try {
    const model = await readPackage(dir);
    const runnable = runnableModel(model);
    const { largestDifference } = await verifyPackage(model, (input) =>
      runTensor({ ...runnable, provider: "cpu", input }),
    );
    const found = `${model.name} ${model.version} verified on cpu, largest difference ${largestDifference.toExponential(1)}`;
    return { what: "model", state: "ok", found };
  } catch (error) {
    const { message: found, remedy } = reportOf(error);
    return { what: "model", state: "broken", found, ...present({ remedy }) };
  }
}

async function checkClock(nowMs: number): Promise<MachineCheck> {
  const found = new Date(nowMs).toISOString();
  const remedy = "Synchronize the clock, for example by NTP: times are written into every result and message";
  if (nowMs < writtenAt) return checked("clock", found, remedy);
  const answer = await run("timedatectl", ["show", "-p", "NTPSynchronized", "--value"], {
    timeout: 5000,
  }).catch(() => undefined);
  const synchronized = answer?.stdout.trim();
  if (synchronized === "no") return checked("clock", `${found}, not synchronized`, remedy);
  return checked("clock", synchronized === "yes" ? `${found}, synchronized` : found, undefined);
}

async function checkWatches(): Promise<MachineCheck> {
  const what = "inotify watches";
  const text = await readFile("/proc/sys/fs/inotify/max_user_watches", "utf8").catch(() => undefined);
  if (text === undefined) return checked(what, "not on this system", undefined);
  const limit = Number(text);
  const remedy = `Raise it: sysctl fs.inotify.max_user_watches=${8 * fewWatches}; until then folders are only swept at regular times`;
  return checked(what, String(limit), limit >= fewWatches ? undefined : remedy);
}

/** `limit`: how many files this process may have open at the same time; with very few no command starts at all. */
export function checkOpenFiles(limit: number | undefined): MachineCheck {
  const what = "open files";
  if (limit === undefined) return checked(what, "this system does not tell its limit", undefined);
  const remedy = `${moreOpenFiles}; many watch folders need more than ${limit}`;
  return checked(what, `up to ${limit}`, limit >= littleOpenFiles ? undefined : remedy);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
