import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { parse, stringify } from "yaml";
import { isEdgeError } from "../../../core/errors.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { statementHash, statementHashKey } from "../../../export/package/statement-hash.ts";
import { verifyPackage } from "../../../export/package/verify-package.ts";

/**
 * Our own package, changed in one place. What changes what is computed, or what somebody is told of it, is caught; only
 * text for people may be edited by hand.
 */

const source = resolve(import.meta.dirname, "../../../models/default");
const scratch = mkdtempSync(join(tmpdir(), "mutated-package-"));
after(() => rmSync(scratch, { recursive: true }));
const dir = join(scratch, "package");
cpSync(source, dir, { recursive: true });
const rdfText = readFileSync(join(source, "rdf.yaml"), "utf8");

type Path = readonly (string | number)[];
type Change = { readonly at: Path; readonly to: unknown };

/** A description with one value in another's place; `undefined` takes it out. */
function changed(rdf: unknown, { at, to }: Change): unknown {
  const [key, ...rest] = at;
  if (key === undefined) return to;
  const whole = rdf as Record<string | number, unknown>;
  const inner = changed(whole[key], { at: rest, to });
  if (Array.isArray(whole)) {
    const items = key === whole.length ? [...whole, undefined] : whole;
    return items.flatMap((one: unknown, i) => (i !== key ? [one] : inner === undefined ? [] : [inner]));
  }
  const { [key]: _, ...others } = whole;
  return inner === undefined ? others : { ...whole, [key]: inner };
}

const baseline = parse(rdfText) as unknown;

function describe(rdf: unknown): void {
  writeFileSync(join(dir, "rdf.yaml"), stringify(rdf));
}

/** As somebody would leave it who knows of the hash. */
function hashedAgain(rdf: unknown): unknown {
  const hash = statementHash(rdf as Record<string, unknown>);
  return changed(rdf, { at: ["config", statementHashKey], to: hash });
}

async function outcomeOf(): Promise<string> {
  try {
    const { statementsAreHashed } = await readPackage(dir);
    return statementsAreHashed === true ? "passed" : "not-hashed";
  } catch (error) {
    if (!isEdgeError(error)) throw error;
    return error.code;
  }
}

const settings = ["config", "cnnt_edge"] as const;
const input = ["inputs", 0] as const;
const output = ["outputs", 0] as const;
const noHash = "0".repeat(64);

/** What is caught: the code of the error, or `not-hashed` for what `verify` does not call right. */
const caught: readonly (readonly [at: Path, to: unknown, by: string])[] = [
  [["format_version"], "0.5.3", "package-statements-changed"],
  [["format_version"], "0.4.10", "package-rdf-schema"],
  [["type"], "dataset", "package-rdf-schema"],
  [[...input, "id"], "picture", "package-statements-changed"],
  [[...input, "axes", 1, "id"], "t", "package-statements-changed"],
  [[...input, "axes", 1, "size", "min"], 2, "package-statements-changed"],
  [[...input, "axes", 1, "size", "step"], 2, "package-statements-changed"],
  [[...input, "axes", 2, "channel_names"], ["a", "b"], "package-statements-changed"],
  [[...input, "axes", 3, "size", "min"], 16, "package-statements-changed"],
  [[...input, "axes", 3, "size", "step"], 2, "package-statements-changed"],
  [[...input, "axes", 4, "size", "step"], 8, "package-statements-changed"],
  [[...input, "axes", 4], undefined, "package-statements-changed"],
  [[...input, "data", "type"], "uint16", "package-statements-changed"],
  [[...input, "test_tensor", "source"], "test_output.npy", "package-statements-changed"],
  [[...input, "test_tensor", "sha256"], noHash, "package-statements-changed"],
  [[...input, "test_tensor", "sha256"], undefined, "package-rdf-schema"],
  [[...input, "preprocessing"], [], "package-statements-changed"],
  [[...input, "preprocessing", 0], undefined, "package-statements-changed"],
  [[...input, "preprocessing", 1], undefined, "package-statements-changed"],
  [[...input, "preprocessing", 1, "id"], "zero_mean_unit_variance", "package-statements-changed"],
  [[...input, "preprocessing", 1, "kwargs", "min_percentile"], 0, "package-statements-changed"],
  [[...input, "preprocessing", 1, "kwargs", "max_percentile"], 100, "package-statements-changed"],
  [[...input, "preprocessing", 1, "kwargs", "eps"], 0.1, "package-statements-changed"],
  [[...input, "preprocessing", 1, "kwargs", "axes"], ["y", "x"], "package-statements-changed"],
  [[...input, "preprocessing", 2], { id: "clip", kwargs: { min: 0, max: 1 } }, "package-statements-changed"],
  [[...output, "id"], "clean", "package-statements-changed"],
  [[...output, "axes", 1, "size", "axis_id"], "y", "package-statements-changed"],
  [[...output, "axes", 3, "halo"], 0, "package-statements-changed"],
  [[...output, "axes", 4, "halo"], undefined, "package-statements-changed"],
  [[...output, "test_tensor", "source"], "test_input.npy", "package-statements-changed"],
  [[...output, "test_tensor", "sha256"], noHash, "package-statements-changed"],
  [[...output, "postprocessing", 1], { id: "sigmoid" }, "package-statements-changed"],
  [["weights", "onnx", "source"], "other.onnx", "package-statements-changed"],
  [["weights", "onnx", "sha256"], noHash, "package-statements-changed"],
  [["weights", "onnx", "sha256"], undefined, "package-rdf-schema"],
  [["weights", "onnx", "opset_version"], 12, "package-statements-changed"],
  [["weights", "torchscript"], { source: "weights.pt" }, "package-statements-changed"],
  [["config", "bioimageio"], { reproducibility_tolerance: [] }, "package-statements-changed"],
  [["config", statementHashKey], noHash, "package-statements-changed"],
  [["config", statementHashKey], undefined, "not-hashed"],
  [["config", "cnnt_edge"], undefined, "package-rdf-schema"],
  [[...settings, "schema"], 2, "package-rdf-schema"],
  [[...settings, "architecture", "n_head"], 4, "package-statements-changed"],
  [[...settings, "architecture", "no_residual"], true, "package-statements-changed"],
  [[...settings, "architecture", "norm_mode"], "batch", "package-statements-changed"],
  [[...settings, "architecture"], undefined, "package-statements-changed"],
  [[...settings, "normalization", "kind"], "fixed", "package-statements-changed"],
  [[...settings, "normalization", "low"], 1, "package-statements-changed"],
  [[...settings, "normalization", "high"], 99, "package-statements-changed"],
  [[...settings, "normalization", "clip"], true, "package-statements-changed"],
  [[...settings, "normalization"], { kind: "none" }, "package-statements-changed"],
  [[...settings, "normalization"], { kind: "fixed", low: 5, high: 5, clip: false }, "package-rdf-schema"],
  [[...settings, "intensity", "meaning"], "uncalibrated", "package-statements-changed"],
  [[...settings, "intensity"], { meaning: "affine", gain: 2, offset: 0 }, "package-statements-changed"],
  [[...settings, "spatial_multiple"], 2, "package-statements-changed"],
  [[...settings, "spatial_multiple"], 8, "package-statements-changed"],
  [[...settings, "spatial_multiple"], 1e9, "package-rdf-schema"],
  [[...settings, "fixed_height_width"], [64, 64], "package-statements-changed"],
  [[...settings, "fixed_shape"], [8, 64, 64], "package-statements-changed"],
  [[...settings, "tile", 0], 12, "package-statements-changed"],
  [[...settings, "tile", 2], 1e9, "package-rdf-schema"],
  [[...settings, "overlap", 1], 0, "package-statements-changed"],
  [[...settings, "test_tolerance"], 10, "package-statements-changed"],
  [[...settings, "noise_range", 1], 100, "package-statements-changed"],
  [[...settings, "pairs", "psnr_gain_db", "median"], 30, "package-statements-changed"],
  [[...settings, "another_setting"], 1, "package-rdf-schema"],
];

/** Text for people, and where it lies: nothing that is computed depends on it. */
const ofNoConsequence: readonly (readonly [at: Path, to: unknown])[] = [
  [["name"], "our zebrafish"],
  [["description"], "what our lab says of it"],
  [["version"], "2.0.0"],
  [["timestamp"], "2027-01-01T00:00:00Z"],
  [["license"], "CC-BY-4.0"],
  [["authors", 0, "name"], "somebody else"],
  [["cite"], []],
  [["documentation"], "OTHER.md"],
  [["covers"], undefined],
  [["tags"], []],
  [[...input, "description"], "a stack"],
  [[...output, "description"], "another stack"],
  [["config", "training"], undefined],
  [["config", "another_tool"], { any: 1 }],
];

test("each single change of what our package states is caught, and text for people may be edited", async () => {
  assert.ok(caught.length >= 51);
  const wrong: string[] = [];
  const passing = ofNoConsequence.map(([at, to]) => [at, to, "passed"] as const);
  for (const [at, to, by] of [...caught, ...passing]) {
    describe(changed(baseline, { at, to }));
    const outcome = await outcomeOf();
    if (outcome !== by) wrong.push(`${at.join(".")} = ${JSON.stringify(to)}: ${outcome}, not ${by}`);
  }
  assert.deepEqual(wrong, []);
});

test("a description that was written in another order and style is the same description", async () => {
  const { config, ...rest } = baseline as { config: Record<string, unknown> };
  const turned = { config: Object.fromEntries(Object.entries(config).reverse()), ...rest };
  writeFileSync(join(dir, "rdf.yaml"), stringify(turned, { defaultStringType: "QUOTE_DOUBLE", indent: 4 }));
  assert.equal(await outcomeOf(), "passed");
});

const tolerated = [...settings, "test_tolerance"] as const;
/** With the hash made anew: what contradicts itself or the test tensors is still caught, without running anything. */
const contradictions: readonly (readonly [at: Path, to: unknown, by: string])[] = [
  [[...input, "preprocessing", 1], undefined, "package-statements-disagree"],
  [[...settings, "normalization", "clip"], true, "package-statements-disagree"],
  [[...settings, "normalization", "low"], 3, "package-statements-disagree"],
  [[...output, "postprocessing", 1], { id: "sigmoid" }, "package-statements-disagree"],
  [[...input, "axes", 1, "id"], "t", "package-statements-disagree"],
  [[...input, "axes", 3, "size", "step"], 2, "package-statements-disagree"],
  [[...settings, "spatial_multiple"], 2, "package-statements-disagree"],
  [[...input, "test_tensor", "sha256"], noHash, "package-hash-mismatch"],
  [[...output, "test_tensor", "sha256"], noHash, "package-hash-mismatch"],
  [["weights", "onnx", "sha256"], noHash, "package-hash-mismatch"],
  [["weights", "onnx", "source"], "other.onnx", "package-file-missing"],
];

test("a package that contradicts itself is refused, also where its hash was made anew", async () => {
  for (const [at, to, by] of contradictions) {
    describe(hashedAgain(changed(baseline, { at, to })));
    assert.equal(await outcomeOf(), by, `${at.join(".")} = ${JSON.stringify(to)}`);
  }
});

test("a package cannot allow itself any error it likes", async () => {
  describe(hashedAgain(changed(baseline, { at: tolerated, to: 1000 })));
  const model = await readPackage(dir);
  await assert.rejects(
    verifyPackage(model, () => assert.fail("nothing needs to be run for that")),
    (error) =>
      isEdgeError(error, "verify-tolerance") &&
      /at most 0.0\d+, for a standard deviation/.test(error.allowed ?? ""),
  );
});

for (const name of ["model.onnx", "test_input.npy", "test_output.npy"]) {
  test(`one other byte in ${name} is caught, and its absence`, async () => {
    describe(baseline);
    const file = join(dir, name);
    const bytes = readFileSync(file);
    const other = Buffer.from(bytes);
    other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
    writeFileSync(file, other);
    assert.equal(await outcomeOf(), "package-hash-mismatch");
    rmSync(file);
    assert.equal(await outcomeOf(), "package-file-missing");
    writeFileSync(file, bytes);
    assert.equal(await outcomeOf(), "passed");
  });
}
