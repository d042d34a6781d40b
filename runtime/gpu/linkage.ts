import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { neededLibraries } from "./needed-libraries.ts";

/** What the system lacks for a provider library, and what brings it. */
export interface LinkageProblem {
  readonly what: string;
  readonly remedy: string;
}

/** Of what the loader can find. */
export interface SystemLibraries {
  readonly has: (library: string) => boolean;
  /** Of the NVIDIA driver, for example "580.65.06"; undefined where none is loaded. */
  readonly driverVersion: string | undefined;
}

/** The first driver branch of each CUDA major (CUDA Toolkit Release Notes, "CUDA Driver"). */
const oldestDriver: Readonly<Record<string, number>> = { "12": 525, "13": 580 };

/** Loaded by name at run time (dlopen), so no ELF header names them; by CUDA major. */
const loadedLater: Readonly<Record<string, readonly string[]>> = {
  "12": ["libcudnn.so.9", "libcufft.so.11", "libnvrtc.so.12"],
  "13": ["libcudnn.so.9", "libcufft.so.12", "libnvrtc.so.13"],
};

/** What the given files of `folder` ask for and this system has not. Loads nothing. */
export async function linkageProblems(
  folder: string,
  files: readonly string[],
  system: SystemLibraries,
): Promise<LinkageProblem[]> {
  const needed = new Set<string>();
  for (const file of files)
    for (const library of await neededLibraries(join(folder, file))) needed.add(library);
  // "13" where libcudart.so.13 is among them.
  const [major] = [...needed].flatMap((name) => /^libcudart\.so\.(\d+)$/.exec(name)?.[1] ?? []);
  for (const library of loadedLater[major ?? ""] ?? []) needed.add(library);
  const missing = [...needed].filter((name) => !system.has(name) && !existsSync(join(folder, name)));
  // Without a driver its own library is missing too: one cause, said once.
  const ofOthers = missing.filter((name) => name !== "libcuda.so.1" || system.driverVersion !== undefined);
  return [...driverProblem(major, system.driverVersion), ...byRemedy(ofOthers, major)];
}

/** One problem for each package to install, however many libraries it brings. */
function byRemedy(missing: readonly string[], major: string | undefined): LinkageProblem[] {
  const groups = new Map<string, string[]>();
  for (const name of missing) {
    const remedy = remedyFor(name, major);
    groups.set(remedy, [...(groups.get(remedy) ?? []), name]);
  }
  return [...groups].map(([remedy, names]) => ({
    what: `${names.join(", ")} ${names.length === 1 ? "is" : "are"} not found by the loader`,
    remedy,
  }));
}

function driverProblem(major: string | undefined, driver: string | undefined): LinkageProblem[] {
  if (major === undefined) return [];
  const oldest = oldestDriver[major];
  const wanted = `Install the NVIDIA driver${oldest === undefined ? "" : ` ${oldest} or newer`} for CUDA ${major}`;
  if (driver === undefined) return [{ what: "no NVIDIA driver is loaded", remedy: wanted }];
  if (oldest === undefined || Number.parseInt(driver, 10) >= oldest) return [];
  return [{ what: `the NVIDIA driver is ${driver}`, remedy: wanted }];
}

/** The name that NVIDIA's own apt repository and its wheels use. */
function remedyFor(library: string, major: string | undefined): string {
  if (library === "libcuda.so.1") return "It belongs to the NVIDIA driver: install that again";
  if (library.startsWith("libcudnn")) return `Install cuDNN 9 (libcudnn9-cuda-${major ?? "13"})`;
  if (/^libnv(infer|onnxparser)/.test(library))
    return "Install TensorRT 10 (libnvinfer10, libnvonnxparsers10)";
  if (/^lib(cublas|cublasLt|curand|cufft|cudart|nvrtc)\.so/.test(library)) {
    return `Install the CUDA ${major ?? ""} runtime libraries (cuda-libraries-${major ?? "13"}-0 or newer)`;
  }
  return "Install the system package that holds it";
}

const run = promisify(execFile);
const usualFolders = ["/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"];

/** Asks the loader's cache, `LD_LIBRARY_PATH`, the usual folders and the driver's own file. */
export async function systemLibraries(): Promise<SystemLibraries> {
  const listed = await run("/sbin/ldconfig", ["-p"]).catch(() => ({ stdout: "" }));
  const cached = new Set([...listed.stdout.matchAll(/^\s*(\S+) \(.*x86-64/gm)].map((match) => match[1]));
  const folders = [...(process.env["LD_LIBRARY_PATH"] ?? "").split(delimiter), ...usualFolders];
  return {
    has: (library) =>
      cached.has(library) || folders.some((folder) => folder !== "" && existsSync(join(folder, library))),
    driverVersion: driverVersionIn(await readFile("/proc/driver/nvidia/version", "utf8").catch(() => "")),
  };
}

/** `text` is that of /proc/driver/nvidia/version, of the proprietary or of the open kernel module. */
export function driverVersionIn(text: string): string | undefined {
  return /^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m.exec(text)?.[1];
}
