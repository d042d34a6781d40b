import { z } from "zod";
import type { AxisSizes } from "../../../core/operators.ts";
import { longestTile } from "../../../core/package-settings.ts";
import {
  type AxisLetter,
  cannotRun,
  depthOf,
  fileReference,
  type OutputAxis,
  type ZooAxis,
  type ZooDescription,
} from "./description.ts";
import { readOperators, statedOperator } from "./operators.ts";

/** Model descriptions of format 0.4. Source: bioimage-io/spec-bioimage-io, model 0.4. */

const lengths = z.array(z.int().positive().max(longestTile));
/** A letter for each axis, or their long names. */
const axes = z.union([z.string(), z.array(z.string())]);

export const format04 = z.looseObject({
  name: z.string().min(1),
  version: z.coerce.string().default("0"),
  inputs: z.tuple(
    [
      z.looseObject({
        name: z.string(),
        axes,
        shape: z.union([
          lengths,
          z.looseObject({ min: lengths, step: z.array(z.int().nonnegative().max(longestTile)) }),
        ]),
        preprocessing: z.array(statedOperator).default([]),
      }),
    ],
    { error: "exactly one input" },
  ),
  outputs: z.tuple(
    [
      z.looseObject({
        name: z.string(),
        axes,
        shape: z.union([
          lengths,
          z.looseObject({
            reference_tensor: z.string(),
            scale: z.array(z.number().nullable()),
            offset: z.array(z.number()),
          }),
        ]),
        halo: z.array(z.int().nonnegative().max(longestTile)).nullish(),
        postprocessing: z.array(statedOperator).default([]),
      }),
    ],
    { error: "exactly one output" },
  ),
  test_inputs: z.tuple([z.string()], { error: "exactly one test input" }),
  test_outputs: z.tuple([z.string()], { error: "exactly one test output" }),
  weights: z.looseObject({ onnx: fileReference }, { error: "ONNX weights" }),
});

/** Throws `EdgeError` (`unsupported`). `from` names the description for messages. */
export function readFormat04(stated: z.infer<typeof format04>, from: string): ZooDescription {
  const [input] = stated.inputs;
  const [output] = stated.outputs;
  const notes = new Set<string>();
  const inputLetters = lettersOf(input.axes, from, "inputs.0.axes");
  const inputAxes = inputLetters.map(
    (letter, index): ZooAxis => ({ letter, sizes: sizesOf(input.shape, letter, index) }),
  );
  const context = {
    file: from,
    inputId: input.name,
    letterOf: (id: string) => inputLetters.find((letter) => letter === id),
    depth: depthOf(inputAxes),
    note: (text: string) => void notes.add(text),
  };
  const outputAxes = lettersOf(output.axes, from, "outputs.0.axes").map(
    (letter, index): OutputAxis => ({
      letter,
      size: outputSize(output.shape, input.name, letter, index, from),
      halo: output.halo?.[index] ?? 0,
    }),
  );
  return {
    name: stated.name,
    version: stated.version,
    weights: stated.weights.onnx,
    testInput: { source: stated.test_inputs[0] },
    testOutput: { source: stated.test_outputs[0] },
    inputId: input.name,
    outputId: output.name,
    inputAxes,
    outputAxes,
    before: readOperators(input.preprocessing, {
      ...context,
      at: "inputs.0.preprocessing",
      ownId: input.name,
    }),
    after: readOperators(output.postprocessing, {
      ...context,
      at: "outputs.0.postprocessing",
      ownId: output.name,
    }),
    tolerance: { absolute: 1e-3, relative: 1e-3, mismatchedPerMillion: 100 },
    notes: [...notes],
  };
}

function lettersOf(stated: string | readonly string[], file: string, at: string): AxisLetter[] {
  return [...stated].map((one) => {
    const letter = ({ batch: "b", channel: "c", time: "t" } as Record<string, string>)[one] ?? one;
    if (isLetter(letter)) return letter;
    throw cannotRun(file, { at, found: `an axis ${one}`, allowed: "b, c, t, z, y, x" });
  });
}

function isLetter(text: string): text is AxisLetter {
  return text.length === 1 && "bctzyx".includes(text);
}

function sizesOf(
  shape: z.infer<typeof format04>["inputs"][0]["shape"],
  letter: AxisLetter,
  index: number,
): AxisSizes {
  if (Array.isArray(shape)) return { min: shape[index] ?? 0, step: letter === "b" ? 1 : 0 };
  return { min: shape.min[index] ?? 0, step: shape.step[index] ?? 0 };
}

function outputSize(
  shape: z.infer<typeof format04>["outputs"][0]["shape"],
  inputName: string,
  letter: AxisLetter,
  index: number,
  file: string,
): OutputAxis["size"] {
  if (Array.isArray(shape)) return letter === "b" ? "as-input" : (shape[index] ?? 0);
  const [scale, offset] = [shape.scale[index], shape.offset[index]];
  if (letter === "c" && !scale) return 2 * (offset ?? 0);
  if (shape.reference_tensor === inputName && scale === 1 && offset === 0) return "as-input";
  throw cannotRun(file, {
    at: "outputs.0.shape",
    found: `${letter}: the input's times ${scale}, offset ${offset}`,
    allowed: "the input's size",
  });
}
