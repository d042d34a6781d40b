import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import files, { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { refuseExternalData } from "../../../export/onnx/external-data.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { readNpyTensor } from "../../../formats/npy.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";

const identity = resolve(import.meta.dirname, "../../../models/identity");

test("a package whose disk fails is the machine's fault, told with what to do, and no defect of the product", async (t) => {
  const failing = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", syscall: "read" });
  const broken = t.mock.method(files, "readFile", () => Promise.reject(failing));
  syncBuiltinESMExports();
  await assert.rejects(
    readPackage(identity),
    (error) => isEdgeError(error, "package-unreadable") && error.kind === "machine" && error.found === "EIO",
  );
  broken.mock.restore();
  syncBuiltinESMExports();
});

test("a link to a whole package is followed, one that leads out of a package is not", async () => {
  const dir = await temporaryFolder();
  await symlink(identity, join(dir, "linked"));
  assert.equal((await readPackage(join(dir, "linked"))).name, "identity");
  for (const name of ["rdf.yaml", "model.onnx", "test_input.npy"]) {
    const copy = join(dir, `with-${name}-elsewhere`);
    await cp(identity, copy, { recursive: true });
    await rm(join(copy, name));
    await symlink(join(identity, name), join(copy, name));
    await assert.rejects(
      readPackage(copy),
      (error) => isEdgeError(error, "package-file-outside") && error.file === join(copy, name),
    );
  }
  const inside = join(dir, "with-a-link-inside");
  await cp(identity, inside, { recursive: true });
  await files.rename(join(inside, "model.onnx"), join(inside, "weights.onnx"));
  await symlink("weights.onnx", join(inside, "model.onnx"));
  assert.equal((await readPackage(inside)).name, "identity");
});

test("a pipe in a file's place is refused before an open that would wait for ever", async () => {
  for (const name of ["rdf.yaml", "model.onnx", "test_input.npy"]) {
    const dir = await temporaryFolder();
    await cp(identity, dir, { recursive: true });
    await rm(join(dir, name));
    execFileSync("mkfifo", [join(dir, name)]);
    await assert.rejects(
      readPackage(dir),
      (error) => isEdgeError(error, "package-file-kind") && error.file === join(dir, name),
    );
    await assert.rejects(readNpyTensor(join(dir, name)), (error) => isEdgeError(error, "file-not-regular"));
  }
});

test("weights in another file, which no hash covers, are refused", async () => {
  const dir = await temporaryFolder();
  await cp(resolve(import.meta.dirname, "../../fixtures/zoo/planes-05"), dir, { recursive: true });
  const file = join(dir, "weights.onnx");
  const model = Buffer.from(await files.readFile(file));
  // The tensor's raw_data (field 9) becomes its external_data (field 13): the same length, whatever it says.
  const at = model.indexOf(Buffer.from([0x42, 6, ...Buffer.from("kernel"), 0x4a]));
  assert.notEqual(at, -1);
  model[at + 8] = 0x6a;
  await writeFile(file, model);
  await assert.rejects(refuseExternalData(file), (error) => isEdgeError(error, "onnx-external-data"));
  await writeFile(file, model.subarray(0, 100));
  await assert.rejects(refuseExternalData(file), (error) => isEdgeError(error, "onnx-damaged"));
});

const hostile: readonly (readonly [what: string, text: string, code: string])[] = [
  ["20,000 keys", Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"), "package-rdf-size"],
  ["3,000 keys", Array.from({ length: 3_000 }, (_, i) => `k${i}: 1`).join("\n"), "package-rdf-size"],
  ["lists in lists", `a: ${"[".repeat(200_000)}`, "package-rdf-size"],
  ["100 lists in lists", `a: ${"[".repeat(100)}${"]".repeat(100)}`, "package-rdf-size"],
  ["lists of lists of dashes", "- ".repeat(10_000), "package-rdf-size"],
  [
    "references to references",
    Array.from({ length: 40 }, (_, i) => `a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`)
      .join("\n")
      .replaceAll("*a-1", "1"),
    "package-rdf-yaml",
  ],
  ["two megabytes", `a: ${"x".repeat(2 << 20)}`, "package-rdf-size"],
  ["one key twice", "a: 1\na: 2", "package-rdf-yaml"],
  ["a part that holds itself", "a: &a [*a]", "package-rdf-schema"],
  ["nothing", "", "package-rdf-schema"],
];

for (const [what, text, code] of hostile) {
  test(`a description of ${what} is refused, with what is allowed`, async () => {
    const dir = await mkdtemp(join(tmpdir(), "description-"));
    await writeFile(join(dir, "rdf.yaml"), text);
    await assert.rejects(readPackage(dir), (error) => {
      assert.ok(isEdgeError(error), `${error}`);
      assert.equal(error.code, code);
      return true;
    });
    await rm(dir, { recursive: true });
  });
}
