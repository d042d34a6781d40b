import { createHash } from "node:crypto";
import { isRecord } from "../../core/record.ts";

/**
 * One hash over everything that a package of ours states and that we or other tools use: the tensors with their axes,
 * hashes and lists of operators, the weights' hash, our settings, the tolerance. Text for people (names, authors,
 * descriptions, training's facts) is outside it and may be edited by hand.
 */

/** Where the hash stands, below `config`. */
export const statementHashKey = "cnnt_edge_sha256";

const usedFields = ["format_version", "type", "inputs", "outputs", "weights"] as const;
const usedConfig = ["cnnt_edge", "bioimageio"] as const;

/** SHA-256 (hex) of the description, as parsed from the YAML or as it will be written. */
export function statementHash(description: Readonly<Record<string, unknown>>): string {
  const config = isRecord(description["config"]) ? description["config"] : {};
  const used = { ...picked(description, usedFields), config: picked(config, usedConfig) };
  return createHash("sha256").update(canonicalText(used)).digest("hex");
}

function picked(from: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]])));
}

/** What YAML may write in any order, as one text. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(canonical(value));
}

/** Keys in the order of their code units, text for people left out. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  const names = Object.keys(value).filter((name) => name !== "description" && value[name] !== undefined);
  return Object.fromEntries(names.sort().map((name) => [name, canonical(value[name])]));
}
