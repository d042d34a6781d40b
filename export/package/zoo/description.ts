import { z } from "zod";
import { type EdgeError, formatError, unsupportedError } from "../../../core/errors.ts";
import { type AxisSizes, isOne, type Operator } from "../../../core/operators.ts";
import type { ZooModel } from "../../../core/package-settings.ts";

/** What both formats of bioimage.io say of a model, in one form. */
export interface ZooDescription {
  readonly name: string;
  readonly version: string;
  readonly weights: FileReference;
  readonly testInput: FileReference;
  readonly testOutput: FileReference;
  readonly inputId: string;
  readonly outputId: string;
  /** Slowest first. */
  readonly inputAxes: readonly ZooAxis[];
  readonly outputAxes: readonly OutputAxis[];
  readonly before: readonly Operator[];
  readonly after: readonly Operator[];
  readonly tolerance: ZooModel["tolerance"];
  readonly notes: readonly string[];
}

export const fileReference = z.looseObject({
  source: z.string(),
  sha256: z
    .string()
    .nullish()
    .transform((hash) => hash ?? undefined),
});
export type FileReference = { readonly source: string; readonly sha256?: string | undefined };

/** `b`atch, `c`hannel, `t`ime, and the axes of space. */
export type AxisLetter = "b" | "c" | "t" | "z" | "y" | "x";

export interface ZooAxis {
  readonly letter: AxisLetter;
  readonly sizes: AxisSizes;
}

export interface OutputAxis {
  readonly letter: AxisLetter;
  /** Whether it is as long as the input's axis, or else how long it is. */
  readonly size: "as-input" | number;
  readonly halo: number;
}

/** The axis that is depth, where there is one. */
export function depthOf(axes: readonly ZooAxis[]): AxisLetter | undefined {
  return axes.find(({ letter, sizes }) => (letter === "z" || letter === "t") && !isOne(sizes))?.letter;
}

/** The description in `file` as a schema has it. Throws `EdgeError` (`format`) with the first thing that is wrong. */
export function checked<S extends z.ZodType>(
  schema: S,
  stated: unknown,
  file: string,
  remedy = "A model made by `cnnt-edge export`, or a bioimage.io model (0.4, 0.5) with ONNX weights, can be run",
): z.output<S> {
  const result = schema.safeParse(stated);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw formatError("the model description cannot be understood", {
    code: "package-rdf-schema",
    file,
    at: issue?.path.join(".") ?? "",
    found: issue?.message ?? "unknown",
    remedy,
  });
}

/** What is refused of a description, in its own terms. */
export function cannotRun(
  file: string,
  why: { readonly at: string; readonly found: string; readonly allowed: string; readonly remedy?: string },
): EdgeError {
  return unsupportedError("the model cannot be run here", {
    code: "zoo-unsupported",
    file,
    remedy: "Choose a model with one channel in and out, ONNX weights and these operators (docs/zoo.md)",
    ...why,
  });
}
