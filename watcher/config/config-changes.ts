import { isDeepStrictEqual } from "node:util";
import type { DaemonConfig, FolderConfig, ModelChoice } from "./resolve.ts";

/** A folder is not the same one where these differ: its models wait with them. */
const ofPlace: readonly string[] = ["path", "output"] satisfies (keyof FolderConfig)[];
const ofModel: readonly string[] = ["model", "channels", "run_anyway"] satisfies (keyof ModelChoice)[];

/**
 * What a daemon makes of a configuration that was changed while it runs. `running`: what each folder runs now, and the rest
 * as it was at the start.
 */
export function configChanges(running: DaemonConfig, next: DaemonConfig) {
  const { folders: before, ...rest } = running;
  const { folders: after, ...nextRest } = next;
  const pairs = before.map((folder) => ({ folder, now: after.find(({ name }) => name === folder.name) }));
  const staysInPlace = (folder: FolderConfig, now: FolderConfig): boolean =>
    !differing(folder, now).some((key) => ofPlace.includes(key));
  /** What its folders run from now on, where that is something else. */
  const choices = pairs.flatMap(({ folder, now }) =>
    now !== undefined &&
    staysInPlace(folder, now) &&
    differing(folder, now).some((key) => ofModel.includes(key))
      ? [choiceOf(now)]
      : [],
  );
  /** Options, as docs/configuration.md calls them, that only the next start takes. */
  const later = [
    ...differing(rest, nextRest).flatMap((section) => optionsIn(section, rest, nextRest)),
    ...pairs.flatMap(({ folder, now }) =>
      now === undefined
        ? [`folders (${folder.name} is gone)`]
        : differing(folder, now).flatMap((key) =>
            ofModel.includes(key) && staysInPlace(folder, now)
              ? []
              : [`folders.${optionNames[key] ?? key} (${folder.name})`],
          ),
    ),
    ...after.flatMap(({ name }) =>
      before.some((folder) => folder.name === name) ? [] : [`folders (${name} is new)`],
    ),
  ];
  return { choices, later };
}

function choiceOf({ name, model, channels, run_anyway }: FolderConfig): ModelChoice {
  return { name, model, channels, run_anyway };
}

const optionNames: Readonly<Record<string, string>> = { moveTo: "after" };

/** The keys whose values are not the same in both. */
function differing(one: object, other: object): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (key) => !isDeepStrictEqual(Reflect.get(one, key), Reflect.get(other, key)),
  );
}

function optionsIn(section: string, before: object, after: object): string[] {
  const [one, other]: unknown[] = [Reflect.get(before, section), Reflect.get(after, section)];
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null)
    return [section];
  return differing(one, other).map((key) => `${section}.${key}`);
}
