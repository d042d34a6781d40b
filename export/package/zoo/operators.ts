import { z } from "zod";
import type { Operator, Scope } from "../../../core/operators.ts";
import { type AxisLetter, cannotRun } from "./description.ts";

/**
 * The operators before and after a network, as both formats write them, into the few that `core/operators.ts` knows.
 * Arguments that are left out are what the formats say they are then. Source: bioimage-io/spec-bioimage-io 0.4, 0.5.
 */

const number = z.number();
/** One channel: a list of one is that one. */
const perChannel = z.union([number, z.tuple([number]).transform(([only]) => only)], {
  error: "one number, or a list of one",
});
const eps = number.positive().max(0.1).default(1e-6);
const percentile = number.min(0).max(100);
const mode = z.enum(["fixed", "per_sample", "per_dataset"]).optional();
/** `"zyx"`, or a list of axis ids. */
const axes = z.union([z.string(), z.array(z.string())]).nullish();

const known = {
  ensure_dtype: z.looseObject({ dtype: z.enum(["float32", "float64"]) }),
  scale_linear: z.looseObject({ gain: perChannel.default(1), offset: perChannel.default(0) }),
  clip: z.looseObject({
    min: number.nullish().transform((least) => least ?? Number.NEGATIVE_INFINITY),
    max: number.nullish().transform((most) => most ?? Number.POSITIVE_INFINITY),
    min_percentile: z.null("numbers, not percentiles").optional(),
    max_percentile: z.null("numbers, not percentiles").optional(),
  }),
  sigmoid: z.looseObject({}),
  zero_mean_unit_variance: z.looseObject({
    mode,
    axes,
    eps,
    mean: perChannel.nullish(),
    std: perChannel.nullish(),
  }),
  fixed_zero_mean_unit_variance: z.looseObject({ mean: perChannel, std: perChannel }),
  scale_range: z.looseObject({
    mode,
    axes,
    eps,
    min_percentile: percentile.default(0),
    max_percentile: percentile.default(100),
    reference_tensor: z.string().nullish(),
  }),
  scale_mean_variance: z.looseObject({ mode, axes, eps, reference_tensor: z.string() }),
};

type Name = keyof typeof known;

/** An operator as a description states it: `name` in format 0.4, `id` in 0.5. */
export const statedOperator = z.looseObject({
  name: z.string().optional(),
  id: z.string().optional(),
  kwargs: z.looseObject({}).default({}),
});
export type StatedOperator = z.infer<typeof statedOperator>;

export interface OperatorContext {
  readonly file: string;
  /** Where in the description: `inputs.0.preprocessing`. */
  readonly at: string;
  readonly inputId: string;
  /** Of the tensor that the operators stand at. */
  readonly ownId: string;
  /** The letter of an axis, by the id that a description calls it (by the letter itself in format 0.4). */
  readonly letterOf: (id: string) => AxisLetter | undefined;
  /** The letter of the depth axis; absent for a network of single planes. */
  readonly depth: AxisLetter | undefined;
  readonly note: (text: string) => void;
}

/** Throws `EdgeError` (`unsupported`) with the reason. */
export function readOperators(stated: readonly StatedOperator[], context: OperatorContext): Operator[] {
  return stated.flatMap((operator, index) => {
    const name = operator.name ?? operator.id ?? "";
    const at = `${context.at}.${index}`;
    if (!isKnown(name)) {
      throw cannotRun(context.file, {
        at,
        found: `the operator ${name}`,
        allowed: Object.keys(known).join(", "),
      });
    }
    return readOperator(name, operator.kwargs, { ...context, at });
  });
}

function isKnown(name: string): name is Name {
  return Object.hasOwn(known, name);
}

function readOperator(name: Name, kwargs: object, context: OperatorContext): Operator[] {
  switch (name) {
    case "ensure_dtype":
      parsed(name, kwargs, context);
      return [];
    case "sigmoid":
      return [{ name }];
    case "scale_linear": {
      const { gain, offset } = parsed(name, kwargs, context);
      return [{ name, gain, offset }];
    }
    case "clip": {
      const { min, max } = parsed(name, kwargs, context);
      if (!(min < max)) throw unfit(context, name, `min ${min}, max ${max}`, "min below max");
      return [{ name, min, max }];
    }
    case "fixed_zero_mean_unit_variance": {
      const { mean, std } = parsed(name, kwargs, context);
      return [standardization(mean, std, context)];
    }
    case "zero_mean_unit_variance": {
      const told = parsed(name, kwargs, context);
      const isFixed = told.mode === "fixed" || (told.mode === undefined && told.mean != null);
      if (isFixed) {
        if (told.mean == null || told.std == null) {
          throw unfit(context, name, "mode fixed without mean and std", "both numbers");
        }
        return [standardization(told.mean, told.std, context)];
      }
      return [{ name, eps: told.eps, scope: scopeOf(name, told, context) }];
    }
    case "scale_range": {
      const told = parsed(name, kwargs, context);
      const { min_percentile: low, max_percentile: high } = told;
      if (!(low < high)) throw unfit(context, name, `percentiles ${low} to ${high}`, "a rising range");
      const scope = scopeOf(name, told, context);
      return [{ name, low, high, eps: told.eps, scope, of: referenceOf(name, told, context) }];
    }
    case "scale_mean_variance": {
      const told = parsed(name, kwargs, context);
      if (referenceOf(name, told, context) !== "input") return [];
      return [{ name, eps: told.eps, scope: scopeOf(name, told, context) }];
    }
  }
}

function parsed<N extends Name>(
  name: N,
  kwargs: object,
  context: OperatorContext,
): z.output<(typeof known)[N]> {
  const result = known[name].safeParse(kwargs);
  if (result.success) return result.data as z.output<(typeof known)[N]>;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw unfit(context, name, `${name} with another ${path}`, issue?.message ?? "");
}

/** The reference implementation adds this to a stated deviation, too. */
const fixedEps = 1e-6;

function standardization(mean: number, std: number, context: OperatorContext): Operator {
  if (!(std > 0)) throw unfit(context, "fixed_zero_mean_unit_variance", `std ${std}`, "more than 0");
  const gain = 1 / (std + fixedEps);
  return { name: "scale_linear", gain, offset: -mean * gain };
}

/**
 * Over what statistics are taken. A network of single planes sees each plane as a sample of its own; where the batch
 * or a whole dataset is asked for, that is the stack.
 */
function scopeOf(
  name: string,
  told: { readonly mode?: string | undefined; readonly axes?: string | readonly string[] | null | undefined },
  context: OperatorContext,
): Scope {
  const ids = told.axes == null ? undefined : [...told.axes];
  const letters = ids?.map((id) => context.letterOf(id));
  if (letters?.includes(undefined)) {
    throw unfit(context, name, `axes ${ids?.join(", ")}`, "axes that the tensor has");
  }
  const isFormat04 = told.mode !== undefined;
  const ofDataset = isFormat04 ? told.mode === "per_dataset" : letters === undefined || letters.includes("b");
  if (ofDataset) {
    context.note(`${name} asks for the statistics of a dataset: those of each stack are used`);
    return "stack";
  }
  if (letters === undefined) return context.depth === undefined ? "plane" : "stack";
  if (!letters.includes("y") || !letters.includes("x")) {
    throw unfit(
      context,
      name,
      `statistics over ${ids?.join(", ")}`,
      "over y and x, and over depth if there is one",
    );
  }
  return context.depth !== undefined && letters.includes(context.depth) ? "stack" : "plane";
}

function referenceOf(
  name: string,
  { reference_tensor: reference }: { readonly reference_tensor?: string | null | undefined },
  context: OperatorContext,
): "itself" | "input" {
  if (reference == null || reference === context.ownId) return "itself";
  if (reference === context.inputId) return "input";
  throw unfit(context, name, `reference tensor ${reference}`, context.inputId);
}

function unfit(context: OperatorContext, name: string, found: string, allowed: string) {
  return cannotRun(context.file, { at: `${context.at} (${name})`, found, allowed });
}
