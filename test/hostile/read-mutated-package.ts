import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { isEdgeError } from "../../core/errors.ts";
import { readPackage } from "../../export/package/read-package.ts";
import { statementHash, statementHashKey } from "../../export/package/statement-hash.ts";
import { verifyPackage } from "../../export/package/verify-package.ts";
import { runTensor } from "../../runtime/engine/run-tensor.ts";
import { runnableModel } from "../../runtime/engine/runnable-model.ts";
import { answerMutants } from "./measured-mutants.ts";
import { type Below, mutatedBytes, randomBelow } from "./mutate-bytes.ts";

/**
 * Reads and verifies mutated copies of our packages and of the zoo's: the description as text and as values, the bytes of
 * every file, with hashes made anew so that the mutation is reached, and what stands in a file's place.
 */

const root = resolve(import.meta.dirname, "../..");
const sources = [
  "models/identity",
  "test/fixtures/zoo/planes-05",
  "models/default",
  "test/fixtures/zoo/stacks-05",
  "test/fixtures/zoo/channels-last-04",
  "test/fixtures/zoo/planes-last-04",
].map((name) => join(root, name));

answerMutants(async ({ index, scratch }) => {
  const dir = join(scratch, "package");
  rmSync(dir, { recursive: true, force: true });
  cpSync(sources[Math.floor(index / mutations.length) % sources.length] ?? "", dir, { recursive: true });
  const next = randomBelow(index);
  mutations[index % mutations.length]?.(dir, next);
  try {
    const model = await readPackage(dir);
    await verifyPackage(model, (input) => runTensor({ ...runnableModel(model), provider: "cpu", input }));
    return "read";
  } catch (error) {
    if (!isEdgeError(error)) throw error;
    return "refused";
  }
});

type Mutation = (dir: string, next: Below) => void;

const description = (dir: string): string => join(dir, "rdf.yaml");
const files = ["model.onnx", "weights.onnx", "test_input.npy", "test_output.npy"];

const mutations: readonly Mutation[] = [
  asText,
  asValues,
  (dir, next) => asValues(dir, next, true),
  bytesOfFile,
  asValues,
  (dir, next) => asValues(dir, next, true),
  bytesOfFile,
  inPlaceOfFile,
];

function asText(dir: string, next: Below): void {
  const bytes = mutatedBytes(readFileSync(description(dir)), next);
  const odd = ["[".repeat(500), "&a [*a]\n", "? ", "!!binary ", "%YAML 1.1\n---\n", "\u0000", "<<: *id001\n"];
  const at = next(bytes.length + 1);
  const put = Buffer.from(next(2) === 0 ? "" : (odd[next(odd.length)] ?? ""));
  writeFileSync(description(dir), Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)]));
}

const junk: readonly unknown[] = [
  null,
  -1,
  0,
  1e9,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "",
  "../../etc/passwd",
  "/dev/zero",
  "x".repeat(100_000),
  [],
  {},
  Array(1000).fill({ id: "clip", kwargs: { min: 0, max: 1 } }),
  { min: 65_536, step: 65_536 },
  true,
];

/** One value in a random place becomes another; where told, under hashes made anew. */
function asValues(dir: string, next: Below, hashed = false): void {
  const rdf = parse(readFileSync(description(dir), "utf8")) as Record<string, unknown>;
  for (let changes = 1 + next(2); changes > 0; changes -= 1) {
    let place = rdf;
    for (;;) {
      const keys = Object.keys(place);
      const key = keys[next(keys.length)];
      if (key === undefined) break;
      const inner = place[key];
      const isLeaf = typeof inner !== "object" || inner === null;
      if (isLeaf || next(8) === 0) {
        place[key] = junk[next(junk.length)];
        break;
      }
      place = inner as Record<string, unknown>;
    }
  }
  write(dir, rdf, hashed);
}

function write(dir: string, rdf: Record<string, unknown>, hashed: boolean): void {
  const config = rdf["config"] as Record<string, unknown> | undefined;
  if (hashed && config !== null && typeof config === "object" && statementHashKey in config) {
    config[statementHashKey] = statementHash(rdf);
  }
  writeFileSync(description(dir), stringify(rdf, { aliasDuplicateObjects: false }));
}

/** Bytes of a file change, and every hash agrees. */
function bytesOfFile(dir: string, next: Below): void {
  const name = someFile(dir, next);
  const before = readFileSync(join(dir, name));
  const bytes = mutatedBytes(before, next);
  writeFileSync(join(dir, name), bytes);
  const text = readFileSync(description(dir), "utf8").replaceAll(digest(before), digest(bytes));
  write(dir, parse(text) as Record<string, unknown>, true);
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What is no regular file of the folder stands in a file's place, or nothing. */
function inPlaceOfFile(dir: string, next: Below): void {
  const name = next(3) === 0 ? "rdf.yaml" : someFile(dir, next);
  const path = join(dir, name);
  renameSync(path, `${path}.elsewhere`);
  const way = next(5);
  if (way === 0) execFileSync("mkfifo", [path]);
  if (way === 1) symlinkSync("/dev/zero", path);
  if (way === 2) symlinkSync(name, path);
  if (way === 3) cpSync(join(root, "test/fixtures/zoo/planes-05"), path, { recursive: true });
}

function someFile(dir: string, next: Below): string {
  const there = files.filter((name) => {
    try {
      return readFileSync(join(dir, name)).length > 0;
    } catch {
      return false;
    }
  });
  return there[next(there.length)] ?? "test_input.npy";
}
