import { z } from "zod";
import { configSchema } from "./schema.ts";

/** The names of the options that the map at `path` of a configuration may have; none where names are free, as those of channels. Pure. */
export function optionsAt(path: readonly PropertyKey[]): string[] {
  let schemas: readonly z.core.$ZodType[] = [configSchema];
  for (const step of path) schemas = schemas.flatMap(unwrapped).flatMap((schema) => below(schema, step));
  return schemas
    .flatMap(unwrapped)
    .flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
}

/** What a value of the schema may be, without what says that it may be missing. */
function unwrapped(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrapped);
  const wraps =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable;
  return wraps ? unwrapped(schema.unwrap()) : [schema];
}

function below(schema: z.core.$ZodType, step: PropertyKey): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodArray) return [schema.element];
  if (!(schema instanceof z.ZodObject)) return [];
  const inner: z.core.$ZodType | undefined = schema.shape[String(step)];
  return inner === undefined ? [] : [inner];
}
