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
  watcher: [
    "core",
    "formats",
    "runtime",
    "export/package",
    "calibration/pinned",
    "calibration/result/result.ts",
  ],
  systemd: ["core", "watcher/config"],
  container: ["core", "watcher"],
};

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** What a file imports, types too, and with `programs` the processes and threads that it starts. */
function importsOf(file: string, programs: "and-programs" | "no-programs"): string[] {
  const text = readFileSync(file, "utf8");
  const pattern =
    programs === "and-programs"
      ? /(?:from|import|new URL\()\s*\(?\s*"(\.[^"]+)"/g
      : /(?:from|import)\s*\(?\s*"(\.[^"]+)"/g;
  return [...text.matchAll(pattern)].map((match) => resolve(dirname(file), match[1] ?? ""));
}

for (const [folder, allowed] of Object.entries(mayImport)) {
  test(`${folder}/ imports only from itself${allowed.length > 0 ? `, ${allowed.join(", ")}` : ""}`, () => {
    const files = sourceFiles(folder);
    assert.ok(
      files.some((file) => importsOf(file, "and-programs").length > 0),
      "no import was found",
    );
    const violations = files.flatMap((file) =>
      importsOf(file, "and-programs")
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

test("a child tells its parent only through its channel, which a dead parent cannot break", () => {
  const folders = [...Object.keys(mayImport), "bin"];
  const senders = folders
    .flatMap(sourceFiles)
    .filter((file) => /process\.send\s*(\?\.)?\(/.test(readFileSync(file, "utf8")))
    .map((file) => relative(root, file));
  assert.deepEqual(senders, ["runtime/worker/process-channel.ts"]);
});

function arrowsOf(files: readonly string[]): Map<string, string[]> {
  const known = new Set(files);
  return new Map(
    files.map((file) => [file, importsOf(file, "no-programs").filter((target) => known.has(target))]),
  );
}

/** Groups of two or more that reach one another (Tarjan's strongly connected components, 1972). */
function circlesOf(arrows: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): number => {
    const at = order.size;
    order.set(node, at);
    lowest.set(node, at);
    stack.push(node);
    for (const next of arrows.get(node) ?? []) {
      const reached = order.has(next) ? (stack.includes(next) ? (order.get(next) ?? at) : at) : visit(next);
      lowest.set(node, Math.min(lowest.get(node) ?? at, reached));
    }
    if (lowest.get(node) === at) {
      const circle = stack.splice(stack.indexOf(node));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest.get(node) ?? at;
  };
  for (const node of arrows.keys()) if (!order.has(node)) visit(node);
  return circles;
}

const ownFiles = [...Object.keys(mayImport), "bin"].flatMap(sourceFiles);
const shorter = (circles: string[][]): string[][] =>
  circles.map((circle) => circle.map((file) => relative(root, file).split(sep).join("/")));

test("a circle is found where there is one", () => {
  const arrows = new Map([
    ["a", ["b"]],
    ["b", ["c", "d"]],
    ["c", ["a"]],
    ["d", []],
  ]);
  assert.deepEqual(circlesOf(arrows), [["a", "b", "c"]]);
});

test("no files import each other in a circle", () => {
  assert.deepEqual(shorter(circlesOf(arrowsOf(ownFiles))), []);
});

test("no folders import each other in a circle", () => {
  const folders = new Map<string, string[]>();
  for (const [file, targets] of arrowsOf(ownFiles)) {
    const folder = dirname(file);
    const others = targets.map((target) => dirname(target)).filter((other) => other !== folder);
    folders.set(folder, [...(folders.get(folder) ?? []), ...others]);
  }
  assert.deepEqual(shorter(circlesOf(folders)), []);
});
