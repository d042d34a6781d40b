import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { isEdgeError } from "../../../core/errors.ts";
import type { ModelPackage } from "../../../core/package-settings.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { verifyPackage } from "../../../export/package/verify-package.ts";
import { readZooDescription } from "../../../export/package/zoo/read-zoo.ts";
import { runTensor } from "../../../runtime/engine/run-tensor.ts";

const root = resolve(import.meta.dirname, "../../..");
const zoo = join(root, "test/fixtures/zoo");
const models = [
  "planes-05",
  "stacks-05",
  "channels-last-04",
  "fixed-size-04",
  "planes-last-05",
  "planes-last-04",
];

function onCpu({ modelFile, inputName, outputName }: ModelPackage) {
  return (input: Parameters<Parameters<typeof verifyPackage>[1]>[0]) =>
    runTensor({ modelFile, inputName, outputName, provider: "cpu", input });
}

for (const name of models) {
  test(`the zoo model ${name} gives its own test output`, async () => {
    const model = await readPackage(join(zoo, name));
    const { missed } = await verifyPackage(model, onCpu(model));
    assert.equal(missed, 0);
  });
}

const published = join(root, "../shared/data/models/unet2d_nuclei_broad");
const skip = existsSync(published) ? false : "../shared is not here";

test("a published model of the zoo gives its own test output", { skip }, async () => {
  const model = await readPackage(published);
  const { largestDifference } = await verifyPackage(model, onCpu(model));
  assert.ok(largestDifference < 1e-5, `${largestDifference}`);
});

test("a zoo model whose operators are left out does not give its test output", async () => {
  const model = await readPackage(join(zoo, "planes-05"));
  assert.ok(model.zoo);
  const without = { ...model, zoo: { ...model.zoo, before: [] } };
  await assert.rejects(verifyPackage(without, onCpu(model)), (error) => isEdgeError(error, "verify-differs"));
});

test("lengths, axes and halos are those of the description", async () => {
  const { zoo: stacks, settings } = await readPackage(join(zoo, "stacks-05"));
  assert.deepEqual(stacks?.sizes, [
    { min: 4, step: 2 },
    { min: 8, step: 4 },
    { min: 8, step: 4 },
  ]);
  assert.deepEqual([stacks?.inputAxes, stacks?.outputAxes, stacks?.halo], ["bczyx", "bczyx", [1, 1, 1]]);
  assert.deepEqual(settings.tile, [32, 256, 256]);
  const { zoo: fixed } = await readPackage(join(zoo, "fixed-size-04"));
  assert.deepEqual(fixed?.sizes, [
    { min: 1, step: 0 },
    { min: 32, step: 0 },
    { min: 32, step: 0 },
  ]);
});

interface Stated {
  format_version: string;
  inputs: {
    axes: { type?: string; id?: string; size?: unknown; channel_names?: string[] }[];
    preprocessing: unknown[];
  }[];
  outputs: {
    axes: { size?: unknown; channel_names?: string[]; scale?: number }[];
    postprocessing: unknown[];
  }[];
  weights: Record<string, unknown>;
}

function stacks(): Stated {
  return parse(readFileSync(join(zoo, "stacks-05/rdf.yaml"), "utf8")) as Stated;
}

const refused: readonly [what: string, change: (stated: Stated) => void, found: RegExp][] = [
  [
    "another operator",
    (stated) => stated.outputs[0]?.postprocessing.push({ id: "softmax", kwargs: { axis: "channel" } }),
    /found the operator softmax; expected ensure_dtype, scale_linear/,
  ],
  [
    "a sample type that the network does not take",
    (stated) => stated.inputs[0]?.preprocessing.push({ id: "ensure_dtype", kwargs: { dtype: "uint8" } }),
    /inputs.0.preprocessing.3 \(ensure_dtype\)/,
  ],
  [
    "several channels",
    (stated) => Object.assign(stated.inputs[0]?.axes[1] ?? {}, { channel_names: ["a", "b"] }),
    /found 2 channels; expected one/,
  ],
  [
    "an output of another size",
    (stated) => Object.assign(stated.outputs[0]?.axes[3] ?? {}, { scale: 0.5 }),
    /outputs.0.axes.3; found an output of another size than the input/,
  ],
  [
    "x before y",
    (stated) => stated.inputs[0]?.axes.reverse(),
    /found xyzcb; expected depth \(z or t\) before y before x/,
  ],
  [
    "an axis that is no place or time",
    (stated) => Object.assign(stated.inputs[0]?.axes[2] ?? {}, { type: "index" }),
    /found an axis z of type index/,
  ],
  [
    "weights that lie elsewhere",
    (stated) => Object.assign(stated.weights, { onnx: { source: "https://example.org/weights.onnx" } }),
    /Download the whole model/,
  ],
  [
    "a percentile as bound of a clip",
    (stated) => stated.inputs[0]?.preprocessing.push({ id: "clip", kwargs: { min_percentile: 1, max: 4 } }),
    /numbers, not percentiles/,
  ],
  [
    "a gain for each of two channels",
    (stated) => stated.inputs[0]?.preprocessing.push({ id: "scale_linear", kwargs: { gain: [1, 2] } }),
    /one number, or a list of one/,
  ],
  [
    "another format",
    (stated) => Object.assign(stated, { format_version: "0.3.6" }),
    /found 0.3.6; expected 0.4 or 0.5/,
  ],
];

for (const [what, change, message] of refused) {
  test(`refuses ${what}, and says why`, () => {
    const stated = stacks();
    change(stated);
    assert.throws(
      () => readZooDescription(stated, "rdf.yaml"),
      (error: unknown) => {
        assert.ok(isEdgeError(error, "zoo-unsupported"));
        const { at, found, allowed, remedy } = error;
        assert.match(`${at}; found ${found}; expected ${allowed}. ${remedy}`, message);
        return true;
      },
    );
  });
}

const tooLarge: readonly [what: string, change: (stated: Stated) => void, at: string][] = [
  [
    "an axis of 1e9",
    (stated) => Object.assign(stated.inputs[0]?.axes[3] ?? {}, { size: { min: 1e9, step: 1 } }),
    "inputs.0.axes.3.size",
  ],
  [
    "a tolerance beyond what the format allows",
    (stated) =>
      Object.assign(stated, {
        config: { bioimageio: { reproducibility_tolerance: [{ mismatched_elements_per_million: 1e6 }] } },
      }),
    "config.bioimageio.reproducibility_tolerance.0.mismatched_elements_per_million",
  ],
];

for (const [what, change, at] of tooLarge) {
  test(`refuses ${what}`, () => {
    const stated = stacks();
    change(stated);
    assert.throws(
      () => readZooDescription(stated, "rdf.yaml"),
      (error: unknown) => isEdgeError(error, "package-rdf-schema") && error.at === at,
    );
  });
}

test("refuses a network whose smallest tile is beyond measure", () => {
  const stated = stacks();
  for (const index of [2, 3, 4]) {
    Object.assign(stated.inputs[0]?.axes[index] ?? {}, { size: { min: 60_000, step: 1 } });
  }
  assert.throws(
    () => readZooDescription(stated, "rdf.yaml"),
    (error: unknown) => isEdgeError(error, "zoo-unsupported") && /smallest tile/.test(error.found ?? ""),
  );
});

test("refuses a model without ONNX weights as one that it does not understand", () => {
  const stated = stacks();
  stated.weights = { torchscript: { source: "weights.pt" } };
  assert.throws(
    () => readZooDescription(stated, "rdf.yaml"),
    (error: unknown) => isEdgeError(error, "package-rdf-schema") && error.at === "weights.onnx",
  );
});

/** Every place in a description, as the keys that lead there. */
function placesIn(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesIn(inner).map((path) => [key, ...path]),
  ]);
}

function withChange(stated: unknown, path: readonly string[], to: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof stated !== "object" || stated === null) return to;
  const changed = withChange((stated as Record<string, unknown>)[key], rest, to);
  return Array.isArray(stated)
    ? stated.map((inner: unknown, index) => (String(index) === key ? changed : inner))
    : { ...stated, [key]: changed };
}

test("whatever stands in a description, it is read or refused by name", () => {
  const junk = fc.constantFrom(
    undefined,
    null,
    -1,
    0,
    1.5,
    1e12,
    "",
    "z",
    "b",
    [],
    [1],
    {},
    { min: 1 },
    true,
  );
  for (const name of models) {
    const stated: unknown = parse(readFileSync(join(zoo, name, "rdf.yaml"), "utf8"));
    const places = fc.constantFrom(...placesIn(stated));
    fc.assert(
      fc.property(fc.array(fc.tuple(places, junk), { minLength: 1, maxLength: 3 }), (changes) => {
        const changed = changes.reduce((so, [path, to]) => withChange(so, path, to), stated);
        try {
          const { zoo: read } = readZooDescription(changed, "rdf.yaml");
          assert.ok(read.sizes.every(({ min, step }) => min >= 1 && step >= 0));
        } catch (error) {
          assert.ok(isEdgeError(error), `${error}`);
        }
      }),
      { numRuns: 300 },
    );
  }
});
