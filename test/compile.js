// Compiles the repository's TypeScript once for a whole run of the tests, file by file, into a folder of the same shape.
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

/**
 * What a module's imports become: those of the repository are found at the same place below the folder. With
 * `import.meta` a module finds what stands beside its source, and programs and threads are named by their sources.
 */
const asCompiled = {
  name: "as-compiled",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /./ }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      if (path.startsWith("tsx/")) return { path: ownFile("no-tsx.js").href, external: true };
      return { path: path.startsWith(".") ? path.replace(/\.ts$/, ".js") : path, external: true };
    });
    onLoad({ filter: /\.[jt]s$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8").replace(/^#!.*/, "");
      const loader = path.endsWith(".ts") ? "ts" : "js";
      if (!source.includes("import.meta")) return { contents: source, loader };
      // In the line of the first statement, so that every line keeps its number.
      const meta = `import { metaOf } from ${JSON.stringify(ownFile("compiled-meta.js").href)}; const importMeta = metaOf(${JSON.stringify(pathToFileURL(path).href)});`;
      return { contents: meta + source, loader };
    });
  },
};

/**
 * Compiles all that may be started or imported, and returns what Node has to preload (`--require`) so that every process
 * and thread whose program is one of these files runs it compiled.
 */
export async function compileAll(folder) {
  const { include } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  const inFolders = include.flatMap((name) => sourceFiles(join(root, name), ".ts"));
  const plain = ["bin", "runtime"].flatMap((name) => sourceFiles(join(root, name), ".js"));
  await build({
    entryPoints: [...inFolders, ...plain],
    outdir: folder,
    outbase: root,
    bundle: true,
    treeShaking: false,
    define: { "import.meta": "importMeta" },
    plugins: [asCompiled],
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
  });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  const preload = join(folder, "preload.cjs");
  const start = join(import.meta.dirname, "start-compiled.cjs");
  writeFileSync(preload, `require(${JSON.stringify(start)})(${JSON.stringify({ root, folder })});\n`);
  return preload;
}
