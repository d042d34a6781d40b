import { execFile } from "node:child_process";
import { readdir, realpath } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The version of the TensorRT that the loader would take, as trtexec writes it (101300); undefined where the library's
 * file name does not tell it. Loads nothing.
 */
export async function tensorRtVersion(): Promise<string | undefined> {
  for (const folder of (process.env["LD_LIBRARY_PATH"] ?? "").split(delimiter)) {
    const names = folder === "" ? [] : await readdir(folder).catch((): string[] => []);
    const name = names.find((candidate) => /^libnvinfer\.so\.\d+$/.test(candidate));
    if (name !== undefined) return versionInName(await realName(join(folder, name)));
  }
  const { stdout } = await run("/sbin/ldconfig", ["-p"]).catch(() => ({ stdout: "" }));
  const path = /^\s*libnvinfer\.so\.\d+ .*=> (\S+)$/m.exec(stdout)?.[1];
  return path === undefined ? undefined : versionInName(await realName(path));
}

/** `name` is that of the file behind the links: "libnvinfer.so.10.13.0" is 101300 (NvInferVersion.h, from 10 on). */
export function versionInName(name: string): string | undefined {
  const [, major, minor, patch] = /^libnvinfer\.so\.(\d+)\.(\d+)\.(\d+)/.exec(name) ?? [];
  if (major === undefined || Number(major) < 10) return undefined;
  return String(10_000 * Number(major) + 100 * Number(minor) + Number(patch));
}

async function realName(path: string): Promise<string> {
  return basename(await realpath(path).catch(() => path));
}
