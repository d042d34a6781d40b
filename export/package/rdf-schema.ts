import { z } from "zod";
import { packageSettingsSchema } from "../../core/package-settings.ts";

/**
 * What we need of a bioimage.io model description, format 0.5 (`rdf.yaml`). Other fields are allowed and kept out of
 * the way: the description is the bioimage.io community's, not ours. Source: bioimage-io/spec-bioimage-io, model 0.5.
 */

const fileReference = z.union([
  z.string().transform((source) => ({ source, sha256: undefined })),
  z.looseObject({ source: z.string(), sha256: z.string().optional() }),
]);

const tensorDescription = z.looseObject({
  id: z.string(),
  test_tensor: fileReference,
});

export const rdfSchema = z.looseObject({
  format_version: z.string().regex(/^0\.5\./, "a format version 0.5.x"),
  type: z.literal("model"),
  name: z.string().min(1),
  version: z.coerce.string().default("0"),
  inputs: z.tuple([tensorDescription], { error: "exactly one input" }),
  outputs: z.tuple([tensorDescription], { error: "exactly one output" }),
  weights: z.looseObject({
    onnx: z.looseObject({ source: z.string(), sha256: z.string().optional() }),
  }),
  config: z.looseObject({ cnnt_edge: packageSettingsSchema }),
});

export type Rdf = z.infer<typeof rdfSchema>;
