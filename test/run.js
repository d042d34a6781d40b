// Runs every *.test.ts below test/ (or the files and folders named as arguments) under node:test.
// Node 20's own --test finds no .ts file and calls that a success; here no test at all is a failure.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { compileAll, sourceFiles } from "./compile.js";

/**
 * Test files share processes, because starting one takes longer than most of them: their tests run one after the other
 * there. Those that mostly wait share in smaller numbers, so that no process takes much longer than the others. Files
 * that take long, measure memory or look at all children of their process have one of their own, and come first, so
 * that no long one is left over at the end.
 */
const alone =
  /^(calibration\/(measure\/|metrics\/agreement)|commands\/(bench|calibrate|compare|denoise|ends-|export-verify|no-inspector|other-task|watch)|docs\/pasted-|export\/hostile-|formats\/tiff\/large-|hostile\/|runtime\/engine\/|runtime\/intensity\/noise-|systemd\/(hardening|install)|watcher\/(daemon|delivered-|holds|lost-|mounted-|move|odd-|replaced-|standing-|superseded-)|watcher\/folder-io\/(host|move-)|watcher\/publish\/publisher)/;
const waiting = /^(commands|runtime\/worker|systemd|watcher)\//;
const mostTogether = { waiting: 4, others: 8 };

/** The files of each process, by a name for it. */
function processes(files) {
  const pathOf = (file) =>
    relative(import.meta.dirname, file)
      .split(sep)
      .join("/");
  const isAlone = (file) => alone.test(pathOf(file));
  const kindOf = (file) => (waiting.test(pathOf(file)) ? "waiting" : "others");
  const groups = [];
  for (const [kind, most] of Object.entries(mostTogether)) {
    const shared = files.filter((file) => !isAlone(file) && kindOf(file) === kind);
    const all = shared.length;
    while (shared.length > 0) {
      const place = 1 - shared.length / all;
      groups.push({ name: `${kind}-${groups.length}`, files: shared.splice(0, most), place });
    }
  }
  // Those that compute among those that wait.
  groups.sort((a, b) => a.place - b.place);
  return [...files.filter(isAlone).map((file) => ({ name: pathOf(file), files: [file] })), ...groups];
}

const named = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "cnnt-edge-tests-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const groups = processes(
  (named.length > 0 ? named : [import.meta.dirname]).flatMap((path) => sourceFiles(path, ".test.ts")).sort(),
);
const count = { passed: 0, failed: 0, skipped: 0 };

// Read also by processes that give up root.
chmodSync(folder, 0o755);
const compiled = join(folder, "compiled");
const programs = groups.map(({ name, files }) => {
  const module = join(folder, `${name.replaceAll("/", "-")}.js`);
  writeFileSync(module, files.map((file) => `import ${JSON.stringify(file)};\n`).join(""));
  return [`processes/${name.replace(/\.ts$/, "")}`, module];
});
const preload = await compileAll(compiled, programs);
const files = programs.map(([place]) => join(compiled, `${place}.js`));
process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ""} --require ${preload}`;
process.execArgv.push("--enable-source-maps");

// Two more than there are cores: most of them wait half of the time.
const stream = run({ files, concurrency: availableParallelism() + 2, timeout: 600_000 });
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
