// Runs every *.test.ts below test/ (or the files and folders named as arguments) under node:test through tsx.
// Node 20's own --test finds no .ts file and calls that a success; here no test at all is a failure.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, resolve, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";

/**
 * Tests of what computes and decides share processes, because starting one takes longer than most of them. All others
 * start processes, listen on ports or measure memory: each file has a process of its own. They come first, because they
 * take longest.
 */
const sharing = /^(bin|bundle|calibration|core|export|formats|runtime|watcher\/\w+)\//;
const alone =
  /^(export\/hostile-|formats\/tiff\/large-|runtime\/(engine|worker)\/|watcher\/(engine|folder-io|publish)\/)/;
const mostTogether = 12;

/** All *.test.ts files below a folder, or the file itself. */
function testFiles(path) {
  if (statSync(path).isFile()) return [resolve(path)];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return testFiles(join(path, entry.name));
    return entry.name.endsWith(".test.ts") ? [resolve(path, entry.name)] : [];
  });
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

const named = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "cnnt-edge-tests-"));
process.once("exit", () => rmSync(folder, { recursive: true }));
const files = processes((named.length > 0 ? named : [import.meta.dirname]).flatMap(testFiles).sort(), folder);
const count = { passed: 0, failed: 0, skipped: 0 };

// The children inherit these flags: tsx compiles what they import.
process.execArgv.push("--import", import.meta.resolve("tsx"));

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
