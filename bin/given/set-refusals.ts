import { dirname } from "node:path";
import { counted } from "../../core/counted.ts";
import { describeError, isEdgeError } from "../../core/errors.ts";

/**
 * What to say of refused files, a line each. The files of an incomplete set are refused for one reason, which is told
 * once, with the first of them.
 */
export function refusalLines(refused: readonly { readonly error: unknown }[]): readonly string[] {
  const groups = new Map<string, { readonly line: string; count: number }>();
  for (const { error } of refused) {
    const line = describeError(error);
    const isSet = isEdgeError(error, "ome-set-incomplete") && error.file !== undefined;
    const key = isSet ? `${dirname(error.file ?? "")}\0${error.found}` : line;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { line, count: 1 });
    else known.count += 1;
  }
  return [...groups.values()].map(({ line, count }) =>
    count === 1
      ? line
      : `${line.replace(/\.$/, "")}. The same holds for ${counted(count - 1, "other file")} of this set`,
  );
}
