import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { ToldArchitecture } from "../../export/cnnt/infer-architecture.ts";
import { readTrainingConfig } from "../../export/cnnt/training-config.ts";

/** The checkpoints with known outputs: a few in the repository, all of them where the shared data stands beside it. */

const own = resolve(import.meta.dirname, "../fixtures/cnnt");
const shared = resolve(import.meta.dirname, "../../../shared/fixtures/cnnt");

export const sharedMissing = existsSync(shared)
  ? false
  : "../shared is not here: only the repository's own fixtures ran";

export interface CnntFixture {
  readonly name: string;
  readonly weights: string;
  readonly config: string;
  readonly pairs: readonly { readonly input: string; readonly output: string }[];
}

export function cnntFixtures(): CnntFixture[] {
  const root = existsSync(shared) ? shared : own;
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => cnntFixture(name, root));
}

export function cnntFixture(name: string, root = own): CnntFixture {
  const dir = join(root, name);
  const inputs = readdirSync(dir).filter((file) => file.startsWith("input_"));
  return {
    name,
    weights: join(dir, "weights.pt"),
    config: join(dir, "config.json"),
    pairs: inputs.map((input) => ({
      input: join(dir, input),
      output: join(dir, input.replace("input", "output")),
    })),
  };
}

/** What training's JSON says of the network; a fixture's says all that the weights cannot tell. */
export async function architectureOf(config: string): Promise<ToldArchitecture> {
  const { architecture } = await readTrainingConfig(config);
  const { n_head, no_residual } = architecture;
  assert.ok(n_head !== undefined && no_residual !== undefined, config);
  return { ...architecture, n_head, no_residual };
}
