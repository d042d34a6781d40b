// Runs every *.test.ts below test/ (or the files and folders named as arguments) under node:test.
// Node 20's own --test finds no .ts file and calls that a success; here no test at all is a failure.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/**
 * Tests of what computes and decides share processes, because starting one takes longer than most of them. All others
 * start processes, listen on ports or measure memory: each file has a process of its own. They come first, because they
 * take longest.
 */
const sharing = /^(bin|bundle|calibration|core|export|formats|runtime|watcher\/\w+)\//;
const alone =
  /^(export\/hostile-|formats\/tiff\/large-|runtime\/(engine|worker)\/|watcher\/(engine|folder-io|publish)\/)/;
const mostTogether = 12;

/** All files below a folder whose names end so, or the file itself. */
function sourceFiles(path, ending) {
  if (statSync(path).isFile()) return path.endsWith(ending) ? [resolve(path)] : [];
  return readdirSync(path).flatMap((name) => sourceFiles(join(path, name), ending));
}

/** Modules that import the files of a process each, in `folder`. */
function processes(files, folder) {
  const place = (file) =>
    relative(import.meta.dirname, file)
      .split(sep)
      .join("/");
  const shares = (file) => sharing.test(place(file)) && !alone.test(place(file));
  const shared = files.filter(shares);
  const groups = [];
  while (shared.length > 0) groups.push(shared.splice(0, mostTogether));
  const modules = groups.map((group, index) => {
    const module = join(folder, `${index}.mjs`);
    writeFileSync(
      module,
      group.map((file) => `import ${JSON.stringify(pathToFileURL(file).href)};\n`).join(""),
    );
    return module;
  });
  return [...files.filter((file) => !shares(file)), ...modules];
}

/** Compiles the repository's TypeScript, file by file, into a folder. */
async function compileAll(outdir) {
  const root = resolve(import.meta.dirname, "..");
  const { include } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8"));
  const entryPoints = include.flatMap((name) => sourceFiles(join(root, name), ".ts"));
  await build({ entryPoints, outdir, outbase: root, format: "esm", target: "node20", sourcemap: "inline" });
  return outdir;
}

const named = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "cnnt-edge-tests-"));
process.once("exit", () => rmSync(folder, { recursive: true }));
const files = processes(
  (named.length > 0 ? named : [import.meta.dirname]).flatMap((path) => sourceFiles(path, ".test.ts")).sort(),
  folder,
);
const count = { passed: 0, failed: 0, skipped: 0 };

const typescript = new URL("./typescript.js", import.meta.url);
typescript.searchParams.set("compiled", await compileAll(join(folder, "compiled")));
// The tests' processes inherit these flags.
process.execArgv.push("--enable-source-maps", "--import", typescript.href);

const stream = run({ files, concurrency: availableParallelism(), timeout: 600_000 });
stream.on("test:pass", (event) => {
  if (event.details.type === "suite") return;
  if (event.skip !== undefined || event.todo !== undefined) count.skipped += 1;
  else count.passed += 1;
});
stream.on("test:fail", (event) => {
  if (event.details.type !== "suite") count.failed += 1;
});
stream.compose(spec).pipe(process.stdout);
stream.on("end", () => {
  setImmediate(() => {
    process.stdout.write(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
    if (count.failed > 0 || count.passed === 0) process.exitCode = 1;
  });
});
