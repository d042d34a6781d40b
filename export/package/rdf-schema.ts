import { z } from "zod";
import { packageSettingsSchema } from "../../core/package-settings.ts";
import { statementHashKey } from "./statement-hash.ts";

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

export type Rdf = z.infer<typeof rdfSchema>;
