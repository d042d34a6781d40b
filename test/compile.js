// Compiles the repository's TypeScript once for a whole run of the tests into a folder of the same shape.
// Starting a process through tsx takes up to four times as long, and the tests start more than a thousand.
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const ownFile = (name) => new URL(name, import.meta.url);

/** All files below a folder whose names end so, or the file itself. */
export function sourceFiles(path, ending) {
  if (statSync(path).isFile()) return path.endsWith(ending) ? [resolve(path)] : [];
  return readdirSync(path).flatMap((name) => sourceFiles(join(path, name), ending));
}

/** In `tsconfig.json`: the folders that hold TypeScript. */
const { include: folders } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));

/** The programs of the product, with their threads, that the tests start again and again. */
const programs = [
  "bin/cnnt-edge.js",
  "runtime/engine/child.ts",
  "runtime/engine/ort-worker.ts",
  "runtime/engine/run-tensor-child.ts",
  "watcher/folder-io/child.ts",
  "watcher/ledger/ledger-thread.ts",
];

/** Packages that load files of their own: native code, WebAssembly, compilers. */
const notBundled = [
  "@hpcc-js/wasm-zstd",
  "esbuild",
  "h5wasm",
  "koffi",
  "libsql",
  "onnxruntime-node",
  "sharp",
  "typescript",
  "wabt",
];

/** By `import.meta` a module finds what stands beside its source, and programs and threads are named by their sources. */
const withMeta = {
  name: "with-meta",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^tsx\// }, () => ({ path: ownFile("no-tsx.js").href, external: true }));
    onResolve({ filter: /\/compiled-meta\.js$/ }, ({ path }) => ({ path, external: true }));
    // Of a bundled CommonJS package `import()` gives no names.
    onResolve({ filter: /^[^.]/ }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
    onLoad({ filter: new RegExp(`^${root}/(${folders.join("|")})/.*\\.[jt]s$`) }, ({ path }) => {
      const source = readFileSync(path, "utf8").replace(/^#!.*/, "");
      const loader = path.endsWith(".ts") ? "ts" : "js";
      if (!source.includes("import.meta")) return { contents: source, loader };
      // In the line of the first statement, so that every line keeps its number.
      const meta = `import { metaOf } from ${JSON.stringify(ownFile("compiled-meta.js").href)}; const importMeta = metaOf(${JSON.stringify(pathToFileURL(path).href)});`;
      return { contents: meta + source, loader };
    });
  },
};

/** The repository's modules that a module imports are found at the same place below the folder. */
const fileByFile = {
  name: "file-by-file",
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      return { path: path.startsWith(".") ? path.replace(/\.ts$/, ".js") : path, external: true };
    });
  },
};

/**
 * Compiles all that may be started or imported, and returns what Node has to preload (`--require`) so that every process
 * and thread whose program is one of these files runs it compiled. What is started most often, and each of `bundles` (a
 * place below `folder` without its ending, and the module that goes there), is bundled with all that it imports into a few
 * files: Node takes twice as long to load the same code from some hundred.
 */
export async function compileAll(folder, bundles) {
  const bundled = [...programs.map((path) => [path.replace(/\.[jt]s$/, ""), join(root, path)]), ...bundles];
  const inFolders = folders
    .flatMap((name) => sourceFiles(join(root, name), ".ts"))
    .filter((file) => !file.endsWith(".test.ts"));
  const plain = ["bin", "runtime"].flatMap((name) => sourceFiles(join(root, name), ".js"));
  const isBundled = new Set(bundled.map(([, file]) => file));
  const options = {
    outdir: folder,
    bundle: true,
    define: { "import.meta": "importMeta" },
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
  };
  await Promise.all([
    build({
      ...options,
      entryPoints: [...inFolders, ...plain].filter((file) => !isBundled.has(file)),
      outbase: root,
      treeShaking: false,
      plugins: [withMeta, fileByFile],
    }),
    build({
      ...options,
      entryPoints: Object.fromEntries(bundled),
      external: notBundled,
      splitting: true,
      // For packages that are no ES modules.
      banner: {
        js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
      },
      plugins: [withMeta],
    }),
  ]);
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const preload = join(folder, "preload.cjs");
  const start = join(import.meta.dirname, "start-compiled.cjs");
  writeFileSync(preload, `require(${JSON.stringify(start)})(${JSON.stringify({ root, folder })});\n`);
  return preload;
}
