import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isEdgeError } from "../../core/errors.ts";
import { uniformSequence } from "../../export/test-scene.ts";
import { mutate } from "./mutations.ts";
import { readNetwork } from "./read-network.ts";

/** What mutated checkpoints did to the reader. */
export interface MutationOutcome {
  readonly read: number;
  readonly refused: number;
  /** Whatever was thrown that is no typed error. */
  readonly defects: readonly string[];
  readonly slowestMs: number;
  /** Largest resident memory of the process while one was read, MB. */
  readonly peakMb: number;
}

const fixtures = ["checkpoints", "labs"].map((name) => resolve(import.meta.dirname, "../fixtures", name));

/** Reads `count` checkpoints with something in them changed, cut, repeated or blown up; the same ones every time. */
export async function mutateCheckpoints(count: number, scratch: string): Promise<MutationOutcome> {
  const sources = fixtures.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.(pt|ckpt|safetensors)$/.test(name))
      .map((name) => readFileSync(join(folder, name))),
  );
  const random = uniformSequence(42);
  const file = join(scratch, "mutated");
  const defects: string[] = [];
  let read = 0;
  let refused = 0;
  let slowestMs = 0;
  let peakMb = 0;
  for (let i = 0; i < count; i += 1) {
    const source = sources[i % sources.length] ?? Buffer.alloc(0);
    const { kind, bytes } = mutate(source, random);
    writeFileSync(file, bytes);
    const reading = await readNetwork(file);
    if (reading.error === undefined) read += 1;
    else if (isEdgeError(reading.error)) refused += 1;
    else defects.push(`mutation ${i} (${kind}): ${described(reading.error)}`);
    slowestMs = Math.max(slowestMs, reading.ms);
    peakMb = Math.max(peakMb, reading.peakMb);
  }
  return { read, refused, defects, slowestMs, peakMb };
}

function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
