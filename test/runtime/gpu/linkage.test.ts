import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { driverVersionIn, linkageProblems } from "../../../runtime/gpu/linkage.ts";
import { madeLibrary } from "./made-library.ts";

const folder = mkdtempSync(join(tmpdir(), "linkage-"));
after(() => rmSync(folder, { recursive: true }));
const needed = ["libcublas.so.13", "libcudart.so.13", "libcuda.so.1", "libc.so.6"];
writeFileSync(join(folder, "cuda.so"), madeLibrary(needed));

async function problems(driverVersion: string | undefined, missing: readonly string[]): Promise<string[]> {
  const system = { driverVersion, has: (name: string) => !missing.includes(name) };
  return (await linkageProblems(folder, ["cuda.so"], system)).map(({ what, remedy }) => `${what}: ${remedy}`);
}

test("a machine that has everything has no problem", async () => {
  assert.deepEqual(await problems("580.65.06", []), []);
});

test("libraries of one package are one problem", async () => {
  assert.deepEqual(await problems("580.65.06", ["libcublas.so.13", "libcudart.so.13"]), [
    "libcublas.so.13, libcudart.so.13 are not found by the loader: Install the CUDA 13 runtime libraries (cuda-libraries-13-0 or newer)",
  ]);
});

test("cuDNN is asked for, though no header names it", async () => {
  assert.deepEqual(await problems("580.65.06", ["libcudnn.so.9"]), [
    "libcudnn.so.9 is not found by the loader: Install cuDNN 9 (libcudnn9-cuda-13)",
  ]);
});

test("a driver too old for the CUDA of the libraries is named with the one needed", async () => {
  assert.deepEqual(await problems("570.124.06", []), [
    "the NVIDIA driver is 570.124.06: Install the NVIDIA driver 580 or newer for CUDA 13",
  ]);
});

test("a missing driver is said once, not again as its library", async () => {
  assert.deepEqual(await problems(undefined, ["libcuda.so.1"]), [
    "no NVIDIA driver is loaded: Install the NVIDIA driver 580 or newer for CUDA 13",
  ]);
});

test("the driver's version is read from both kernel modules' text", () => {
  const closed =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version: 12\n";
  const open =
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (builder)\nGCC version: 13\n";
  assert.equal(driverVersionIn(closed), "535.183.01");
  assert.equal(driverVersionIn(open), "580.65.06");
  assert.equal(driverVersionIn(""), undefined);
});
