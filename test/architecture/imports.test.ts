import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

/** Which folders a folder may import from, beside itself (docs/architecture.md). */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  formats: ["core"],
  export: ["core", "formats"],
  runtime: ["core", "formats", "export/package"],
  bundle: ["core", "runtime"],
  calibration: ["core", "formats", "runtime", "export/package"],
  watcher: ["core", "formats", "runtime", "export/package", "calibration/pinned", "calibration/result.ts"],
  systemd: ["core", "watcher/config"],
  container: ["core", "watcher"],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const pattern = /(?:from|import|new URL\()\s*\(?\s*"(\.[^"]+)"/g;
  return [...text.matchAll(pattern)].map((match) => resolve(dirname(file), match[1] ?? ""));
}

for (const [folder, allowed] of Object.entries(mayImport)) {
  test(`${folder}/ imports only from itself${allowed.length > 0 ? `, ${allowed.join(", ")}` : ""}`, () => {
    const files = sourceFiles(folder);
    assert.ok(
      files.some((file) => importsOf(file).length > 0),
      "no import was found",
    );
    const violations = files.flatMap((file) =>
      importsOf(file)
        .map((target) => relative(root, target).split(sep).join("/"))
        // Everybody may read the product's version.
        .filter((target) => target !== "package.json")
        .filter((target) => ![folder, ...allowed].some((ok) => target === ok || target.startsWith(`${ok}/`)))
        .map((target) => `${relative(root, file)} imports ${target}`),
    );
    assert.deepEqual(violations, []);
  });
}

test("the ONNX Runtime is loaded in one place, which turns its telemetry off first", () => {
  const folders = [...Object.keys(mayImport), "bin", "bench", "models", "test"];
  const loaders = folders
    .flatMap(sourceFiles)
    .filter((file) =>
      /(from|import\(|require\(|^import) ?"onnxruntime-node"/m.test(readFileSync(file, "utf8")),
    )
    .map((file) => relative(root, file).split(sep).join("/"));
  assert.deepEqual(loaders, ["runtime/engine/onnx-runtime.ts"]);
});

test("a child tells its parent only through tellParent, which a dead parent cannot break", () => {
  const folders = [...Object.keys(mayImport), "bin"];
  const senders = folders
    .flatMap(sourceFiles)
    .filter((file) => /process\.send\s*(\?\.)?\(/.test(readFileSync(file, "utf8")))
    .map((file) => relative(root, file));
  assert.deepEqual(senders, ["runtime/machine/tell-parent.ts"]);
});
