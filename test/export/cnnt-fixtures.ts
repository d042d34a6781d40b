import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

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
