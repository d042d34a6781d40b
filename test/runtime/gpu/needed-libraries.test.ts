import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { neededLibraries } from "../../../runtime/gpu/needed-libraries.ts";

const scratch = mkdtempSync(join(tmpdir(), "elf-"));
after(() => rmSync(scratch, { recursive: true }));

const runtimePackage = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
const runtimeLibrary = join(runtimePackage, "bin/napi-v6/linux/x64/libonnxruntime.so.1");

test("names what ONNX Runtime's own library asks for", async () => {
  const needed = await neededLibraries(runtimeLibrary);
  assert.ok(needed.includes("libc.so.6"), needed.join());
  assert.ok(needed.includes("libstdc++.so.6"), needed.join());
  assert.ok(!needed.some((name) => name.startsWith("libcuda")), needed.join());
});

const readelf = spawnSync("readelf", ["-d", runtimeLibrary], { encoding: "utf8" });
test("agrees with readelf", {
  skip: readelf.status === 0 ? false : "binutils is not installed",
}, async () => {
  const expected = [...readelf.stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]);
  assert.deepEqual(await neededLibraries(runtimeLibrary), expected);
});

for (const [what, bytes] of [
  ["an empty file", Buffer.alloc(0)],
  ["text", Buffer.from("not a library ".repeat(20))],
  ["a cut library", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, ...new Array<number>(40).fill(0)])],
] as const) {
  test(`refuses ${what} in one line`, async () => {
    const file = join(scratch, "lib.so");
    writeFileSync(file, bytes);
    await assert.rejects(neededLibraries(file), (error) => isEdgeError(error, "elf-unreadable"));
  });
}
