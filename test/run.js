// Runs every *.test.ts below test/ (or the files and folders named as arguments) under node:test through tsx.
// Node 20's own --test finds no .ts file and calls that a success; here no test at all is a failure.
import { readdirSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

/** All *.test.ts files below a folder, or the file itself. */
function testFiles(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return testFiles(join(path, entry.name));
    return entry.name.endsWith(".test.ts") ? [join(path, entry.name)] : [];
  });
}

const named = process.argv.slice(2);
const files = (named.length > 0 ? named : [import.meta.dirname]).flatMap(testFiles).sort();
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
