import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isEdgeError } from "../../core/errors.ts";
import { loadNetwork } from "../../export/cnnt/network.ts";
import { uniformSequence } from "../../export/test-scene.ts";
import { openCheckpoint } from "../../export/torch/checkpoint.ts";

/** What mutated checkpoints did to the reader. */
export interface MutationOutcome {
  readonly read: number;
  readonly refused: number;
  /** Whatever was thrown that is no typed error. */
  readonly defects: readonly string[];
  readonly slowestMs: number;
}

const fixtures = resolve(import.meta.dirname, "../fixtures/checkpoints");

/** Reads `count` checkpoints with a few bytes changed, cut or repeated; the same ones every time. */
export async function mutateCheckpoints(count: number, scratch: string): Promise<MutationOutcome> {
  const sources = readdirSync(fixtures)
    .filter((name) => /\.(pt|safetensors)$/.test(name))
    .map((name) => readFileSync(join(fixtures, name)));
  const random = uniformSequence(42);
  const file = join(scratch, "mutated");
  const defects: string[] = [];
  let read = 0;
  let refused = 0;
  let slowestMs = 0;
  for (let i = 0; i < count; i += 1) {
    const source = sources[i % sources.length] ?? Buffer.alloc(0);
    writeFileSync(file, mutate(source, random));
    const started = performance.now();
    try {
      const checkpoint = await openCheckpoint(file);
      try {
        await loadNetwork(checkpoint, { n_head: 2, no_residual: false });
      } finally {
        await checkpoint.close();
      }
      read += 1;
    } catch (error) {
      if (isEdgeError(error)) refused += 1;
      else defects.push(`mutation ${i}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - started);
  }
  return { read, refused, defects, slowestMs };
}

/** Most changes go where the structure is: the first and the last part of the file. */
function mutate(source: Buffer, random: () => number): Buffer {
  const bytes = Buffer.from(source);
  const kind = random();
  if (kind < 0.1) return bytes.subarray(0, Math.floor(random() * bytes.length));
  if (kind < 0.2) return Buffer.concat([bytes, bytes.subarray(Math.floor(random() * bytes.length))]);
  const changes = 1 + Math.floor(random() * 8);
  for (let i = 0; i < changes; i += 1) {
    const where = random();
    const span = Math.min(12_000, bytes.length);
    const at =
      where < 0.6
        ? random() * span
        : where < 0.9
          ? bytes.length - 1 - random() * span
          : random() * bytes.length;
    bytes[Math.floor(at)] = random() < 0.3 ? 0xff : Math.floor(random() * 256);
  }
  return bytes;
}
