import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { typescript } from "../../typescript.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";

/** A program, and a temporary folder that it is run with. */
async function program(text: string) {
  const folder = await temporaryFolder();
  const file = join(folder, "program.ts");
  writeFileSync(file, text);
  const run = (env: NodeJS.ProcessEnv = {}) => {
    const options = { encoding: "utf8", env: { ...process.env, TMPDIR: folder, ...env } } as const;
    const { stdout, stderr } = spawnSync(process.execPath, ["--import", typescript, file], options);
    return { stdout, stderr };
  };
  const code = join(folder, `cnnt-edge-code-${process.geteuid?.()}`);
  const kept = (): string[] => readdirSync(code).map((name) => join(code, name));
  return { file, run, code, kept };
}

const greets = 'const word: string = "hello";\nconsole.log(word);\n';

test("a TypeScript file runs, and what was compiled of it is run the next time, until it changes", async () => {
  const { file, run, kept } = await program(greets);
  assert.deepEqual(run(), { stdout: "hello\n", stderr: "" });
  const [first = assert.fail(), ...others] = kept();
  assert.deepEqual(others, []);
  const before = readFileSync(first, "utf8");
  assert.equal(run().stdout, "hello\n");
  assert.equal(readFileSync(first, "utf8"), before);
  writeFileSync(file, greets.replace("hello", "good day"));
  assert.equal(run().stdout, "good day\n");
  assert.equal(kept().length, 2);
});

test("kept code that a crash of the machine cut, emptied or changed is made again", async () => {
  const { run, kept } = await program(greets);
  run();
  const [file = assert.fail()] = kept();
  const whole = readFileSync(file, "utf8");
  for (const damaged of ["", whole.slice(0, 70), whole.slice(0, -20), whole.replace("hello", "hullo")]) {
    writeFileSync(file, damaged);
    assert.deepEqual(run(), { stdout: "hello\n", stderr: "" });
    assert.equal(readFileSync(file, "utf8"), whole);
  }
});

test("code is neither run from nor kept in a folder that others can write, nor where none can be made", async () => {
  const { run, code, kept } = await program(greets);
  run();
  const [file = assert.fail()] = kept();
  const foreign = 'console.log("foreign");\n';
  writeFileSync(file, `${createHash("sha256").update(foreign).digest("hex")}\n${foreign}`);
  assert.equal(run().stdout, "foreign\n", "it is run from a folder of our own");
  chmodSync(code, 0o777);
  assert.equal(run().stdout, "hello\n");
  assert.match(readFileSync(file, "utf8"), /foreign/);
  rmSync(code, { recursive: true });
  writeFileSync(code, "a file where the folder would be");
  assert.deepEqual(run(), { stdout: "hello\n", stderr: "" });
});

test("a defect shows the line of the source where that is asked for", async () => {
  const { run, code } = await program(
    'interface A {\n  readonly a: string;\n}\n\nthrow new Error("defect" as A["a"]);\n',
  );
  mkdirSync(code, { mode: 0o700 });
  for (const _start of ["compiled", "kept"]) {
    assert.match(run({ CNNT_EDGE_DEBUG: "1" }).stderr, /program\.ts:5:7/);
  }
});
