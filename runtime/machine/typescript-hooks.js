// What Node asks when it loads a module (`typescript.js`). esbuild compiles a TypeScript file once; what it made is kept in
// the temporary folder and may be deleted at any time. A start from kept code needs no esbuild, whose own start takes longer
// than that of most of our programs.
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";

const compiler = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).dependencies
  .esbuild;
const user = process.geteuid?.();
const folder = join(tmpdir(), `cnnt-edge-code-${user}`);
const mayKeep = isOurs();

/** Another user who made this folder before us could put code into it that we would run. */
function isOurs() {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === user && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

const hashOf = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** Kept code begins with its hash: a crash of the machine may leave a part of a file, or an empty one. */
function kept(file) {
  try {
    const text = readFileSync(file, "utf8");
    const lineEnd = text.indexOf("\n");
    const code = text.slice(lineEnd + 1);
    return text.slice(0, lineEnd) === hashOf(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

function keep(file, code) {
  const unfinished = `${file}.${process.pid}-${threadId}`;
  try {
    writeFileSync(unfinished, `${hashOf(code)}\n${code}`, { mode: 0o600 });
    renameSync(unfinished, file);
  } catch {
    // The next start compiles it again.
  }
}

async function compile(source, name) {
  const { transform } = await import("esbuild");
  const { code } = await transform(source, {
    loader: "ts",
    format: "esm",
    platform: "node",
    target: "node20.19",
    sourcefile: name,
    sourcemap: "inline",
    sourcesContent: false,
  });
  return code;
}

/** Node's `load` hook: its own module format and source for a TypeScript file, whatever Node would say for all others. */
export async function load(url, context, next) {
  if (!url.startsWith("file:") || !url.endsWith(".ts")) return next(url, context);
  const path = fileURLToPath(url);
  const source = readFileSync(path);
  const name = path.slice(path.lastIndexOf("/") + 1);
  const file = join(folder, hashOf(compiler, name, "\0", source));
  const known = mayKeep ? kept(file) : undefined;
  if (known !== undefined) return { format: "module", source: known, shortCircuit: true };
  const code = await compile(source, name);
  if (mayKeep) keep(file, code);
  return { format: "module", source: code, shortCircuit: true };
}
