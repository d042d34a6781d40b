import { z } from "zod";
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

/** Model descriptions of format 0.5. Source: bioimage-io/spec-bioimage-io, model 0.5. */

const length = z.int().positive().max(longestTile);
const reference = z.looseObject({
  tensor_id: z.string(),
  axis_id: z.string(),
  offset: z.int().default(0),
});
const parameterized = z.looseObject({ min: length, step: length });
const axis = z.looseObject({
  type: z.enum(["batch", "channel", "index", "time", "space"]),
  id: z.string().optional(),
  size: z
    .union([
      length,
      parameterized,
      reference,
      z.looseObject({ min: length.optional(), max: length.nullish() }),
    ])
    .nullish(),
  channel_names: z.array(z.string()).optional(),
  scale: z.number().positive().default(1),
  halo: z.int().nonnegative().max(longestTile).nullish(),
});
type StatedAxis = z.infer<typeof axis>;

const tensor = { id: z.string(), axes: z.array(axis).min(2), test_tensor: fileReference };

export const format05 = z.looseObject({
  name: z.string().min(1),
  version: z.coerce.string().default("0"),
  inputs: z.tuple([z.looseObject({ ...tensor, preprocessing: z.array(statedOperator).default([]) })], {
    error: "exactly one input",
  }),
  outputs: z.tuple([z.looseObject({ ...tensor, postprocessing: z.array(statedOperator).default([]) })], {
    error: "exactly one output",
  }),
  weights: z.looseObject({ onnx: fileReference }, { error: "ONNX weights" }),
  config: z
    .looseObject({
      bioimageio: z
        .looseObject({
          reproducibility_tolerance: z
            .array(
              z.looseObject({
                // The format's own bounds.
                relative_tolerance: z.number().nonnegative().max(0.01).default(1e-3),
                absolute_tolerance: z.number().nonnegative().default(1e-3),
                mismatched_elements_per_million: z.number().nonnegative().max(5000).default(100),
                weights_formats: z.array(z.string()).default([]),
              }),
            )
            .default([]),
        })
        .optional(),
    })
    .optional(),
});

type StatedInput = z.infer<typeof format05>["inputs"][0];

/** The format's ids of axes that state none. */
const usualIds: Readonly<Record<StatedAxis["type"], string>> = {
  batch: "batch",
  channel: "channel",
  index: "index",
  time: "time",
  space: "x",
};

/** Throws `EdgeError` (`unsupported`). `from` names the description for messages. */
export function readFormat05(stated: z.infer<typeof format05>, from: string): ZooDescription {
  const [input] = stated.inputs;
  const [output] = stated.outputs;
  const notes = new Set<string>();
  const inputAxes = input.axes.map((one, index) => inputAxis(one, input, from, `inputs.0.axes.${index}`));
  const letters = new Map(input.axes.map((one, index) => [idOf(one), inputAxes[index]?.letter]));
  const context = {
    file: from,
    inputId: input.id,
    letterOf: (id: string) => letters.get(id),
    depth: depthOf(inputAxes),
    note: (text: string) => void notes.add(text),
  };
  return {
    name: stated.name,
    version: stated.version,
    weights: stated.weights.onnx,
    testInput: input.test_tensor,
    testOutput: output.test_tensor,
    inputId: input.id,
    outputId: output.id,
    inputAxes,
    outputAxes: output.axes.map((one, index) => outputAxis(one, input, from, `outputs.0.axes.${index}`)),
    before: readOperators(input.preprocessing, { ...context, at: "inputs.0.preprocessing", ownId: input.id }),
    after: readOperators(output.postprocessing, {
      ...context,
      at: "outputs.0.postprocessing",
      ownId: output.id,
    }),
    tolerance: toleranceOf(stated),
    notes: [...notes],
  };
}

function idOf(stated: StatedAxis): string {
  return stated.id ?? usualIds[stated.type];
}

function letterOf(stated: StatedAxis, file: string, at: string): AxisLetter {
  const id = idOf(stated);
  if (stated.type === "batch") return "b";
  if (stated.type === "channel") return "c";
  if (stated.type === "time") return "t";
  if (stated.type === "space" && (id === "z" || id === "y" || id === "x")) return id;
  throw cannotRun(file, {
    at,
    found: `an axis ${id} of type ${stated.type}`,
    allowed: "batch, channel, time, z, y, x",
  });
}

function inputAxis(stated: StatedAxis, input: StatedInput, file: string, at: string): ZooAxis {
  const letter = letterOf(stated, file, at);
  if (letter === "b") return { letter, sizes: { min: 1, step: 1 } };
  if (letter === "c") return { letter, sizes: { min: channels(stated), step: 0 } };
  const { size } = stated;
  if (typeof size === "number") return { letter, sizes: { min: size, step: 0 } };
  if (isParameterized(size)) return { letter, sizes: { min: size.min, step: size.step } };
  // As long as another axis: what that one takes, this one takes.
  const other = size != null && "axis_id" in size ? size : undefined;
  const referred = input.axes.find((candidate) => candidate !== stated && idOf(candidate) === other?.axis_id);
  if (
    other?.tensor_id === input.id &&
    other.offset === 0 &&
    referred !== undefined &&
    !isReference(referred)
  ) {
    return { letter, sizes: inputAxis(referred, input, file, at).sizes };
  }
  throw cannotRun(file, {
    at,
    found: "a size that is not stated here",
    allowed: "a number, or min and step",
  });
}

function isParameterized(size: StatedAxis["size"]): size is z.infer<typeof parameterized> {
  return parameterized.safeParse(size).success;
}

function isReference({ size }: StatedAxis): boolean {
  return typeof size === "object" && size !== null && "axis_id" in size;
}

function channels({ channel_names: names, size }: StatedAxis): number {
  return names?.length ?? (typeof size === "number" ? size : 1);
}

function outputAxis(stated: StatedAxis, input: StatedInput, file: string, at: string): OutputAxis {
  const letter = letterOf(stated, file, at);
  const halo = stated.halo ?? 0;
  if (letter === "b") return { letter, size: "as-input", halo: 0 };
  if (letter === "c") return { letter, size: channels(stated), halo: 0 };
  const { size } = stated;
  if (typeof size === "number") return { letter, size, halo };
  if (size != null && "axis_id" in size) {
    const other = size as z.infer<typeof reference>;
    const referred = input.axes.find((candidate) => idOf(candidate) === other.axis_id);
    const same =
      other.tensor_id === input.id &&
      other.offset === 0 &&
      referred !== undefined &&
      letterOf(referred, file, at) === letter &&
      referred.scale === stated.scale;
    if (same) return { letter, size: "as-input", halo };
  }
  throw cannotRun(file, {
    at,
    found: "an output of another size than the input",
    allowed: "as long as the same axis of the input, offset 0 and the same scale",
  });
}

function toleranceOf({ config }: z.infer<typeof format05>): ZooDescription["tolerance"] {
  const stated = config?.bioimageio?.reproducibility_tolerance.find(
    ({ weights_formats: formats }) => formats.length === 0 || formats.includes("onnx"),
  );
  return {
    absolute: stated?.absolute_tolerance ?? 1e-3,
    relative: stated?.relative_tolerance ?? 1e-3,
    mismatchedPerMillion: stated?.mismatched_elements_per_million ?? 100,
  };
}
