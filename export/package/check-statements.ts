import { z } from "zod";
import { formatError } from "../../core/errors.ts";
import { type PackageSettings, packageSettingsSchema } from "../../core/package-settings.ts";
import { spatialMultiple } from "../cnnt/block-sets.ts";
import { ownPostprocessing, preprocessing } from "./describe-model.ts";
import { canonicalText, statementHash, statementHashKey } from "./statement-hash.ts";

/**
 * Whether what a package of ours states is what was exported, and says one thing only: the fields of bioimage.io, which
 * other tools go by, and our settings. Returns whether it is under a hash; packages of earlier versions are not.
 * `stated` is the description as parsed from YAML. Throws `EdgeError` (`format`).
 */
export function checkOwnStatements(rdf: Rdf, stated: unknown, file: string): boolean {
  const hash = rdf.config[statementHashKey];
  if (hash !== undefined) {
    const found = statementHash(stated as Readonly<Record<string, unknown>>);
    if (found !== hash) {
      throw formatError("what the package states was changed after it was exported", {
        code: "package-statements-changed",
        file,
        found: `hash ${found.slice(0, 12)}`,
        allowed: `hash ${hash.slice(0, 12)}`,
        remedy: exportAgain,
      });
    }
  }
  const settings = rdf.config.cnnt_edge;
  const [input] = rdf.inputs;
  const [output] = rdf.outputs;
  refuseOther(file, "inputs.0.preprocessing", input.preprocessing, preprocessing(settings));
  refuseOther(file, "outputs.0.postprocessing", output.postprocessing, ownPostprocessing);
  refuseOther(file, "inputs.0.axes", input.axes.map(nameOfAxis), ownAxes);
  refuseOther(file, "outputs.0.axes", output.axes.map(nameOfAxis), ownAxes);
  checkMultiple(settings, input.axes, file);
  return hash !== undefined;
}

const ownAxes = ["batch", "z", "channel", "y", "x"];

function nameOfAxis({ type, id }: { readonly type: string; readonly id?: string | undefined }): string {
  return type === "space" ? (id ?? "x") : type;
}

/** The network's halvings, our settings and the sizes that other tools go by must be of one mind. */
function checkMultiple(settings: PackageSettings, axes: Rdf["inputs"][0]["axes"], file: string): void {
  const { architecture, spatial_multiple: multiple } = settings;
  if (architecture !== undefined) {
    refuseOther(file, "config.cnnt_edge.spatial_multiple", multiple, spatialMultiple(architecture));
  }
  for (const index of [3, 4]) {
    const size = axes[index]?.size;
    if (typeof size === "object" && size !== null && "step" in size) {
      refuseOther(file, `inputs.0.axes.${index}.size.step`, size.step, multiple);
    }
  }
}

function refuseOther(file: string, at: string, found: unknown, allowed: unknown): void {
  const [is, must] = [canonicalText(found), canonicalText(allowed)];
  if (is === must) return;
  throw formatError("the description and the package's own settings disagree", {
    code: "package-statements-disagree",
    file,
    at,
    found: is.slice(0, 400),
    allowed: must,
    remedy: exportAgain,
  });
}

const exportAgain = "Export the checkpoint again; text such as names and descriptions may be edited by hand";

/**
 * What we need of a bioimage.io model description, format 0.5 (`rdf.yaml`). Other fields are allowed and kept out of
 * the way: the description is the bioimage.io community's, not ours. Source: bioimage-io/spec-bioimage-io, model 0.5.
 */

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 of 64 hexadecimal digits");
/** Every file that we use is under a hash. */
const hashedFile = z.looseObject({ source: z.string(), sha256 });

const axis = z.looseObject({ type: z.string(), id: z.string().optional(), size: z.unknown().optional() });
const operators = z.array(z.looseObject({ id: z.string() }));

const tensor = { id: z.string(), axes: z.array(axis), test_tensor: hashedFile };

export const rdfSchema = z.looseObject({
  format_version: z.string().regex(/^0\.5\./, "a format version 0.5.x"),
  type: z.literal("model"),
  name: z.string().min(1),
  version: z.coerce.string().default("0"),
  inputs: z.tuple([z.looseObject({ ...tensor, preprocessing: operators })], { error: "exactly one input" }),
  outputs: z.tuple([z.looseObject({ ...tensor, postprocessing: operators })], {
    error: "exactly one output",
  }),
  weights: z.looseObject({ onnx: hashedFile }),
  config: z.looseObject({ cnnt_edge: packageSettingsSchema, [statementHashKey]: sha256.optional() }),
});

type Rdf = z.infer<typeof rdfSchema>;
