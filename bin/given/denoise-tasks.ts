import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "../../core/counted.ts";
import { describeError, type EdgeError, usageError, visible } from "../../core/errors.ts";
import type { ModelPackage } from "../../core/package-settings.ts";
import { readPackage } from "../../export/package/read-package.ts";
import { refuseOtherTask } from "../../export/package/stated-task.ts";
import { nameLimitOf } from "../../formats/file/name-limit.ts";
import { resultKindOf, resultName } from "../../runtime/job/result-name.ts";
import { pass } from "../../runtime/plan/channel-models.ts";
import type { CommandIo } from "../command/command.ts";
import type { DenoiseOptions, Task } from "../options/denoise-options.ts";
import { patternGiven } from "../options/option-values.ts";
import { createWorkLine } from "../words/progress.ts";
import { type GivenAcquisition, givenAcquisitions, givenFiles } from "./given-acquisitions.ts";
import { refusalLines, refuseTogether, refuseUselessFolder } from "./refusals.ts";

/** Fewer files than this are looked at before anybody could read that. */
const worthTelling = 50;

const otherTaskRemedy =
  "Choose a model that denoises. --run-anyway runs it, and names the results .output.ome.tif";

/** What ended before it began. */
export type Ended = { readonly input: string } & ({ readonly skipped: string } | { readonly error: unknown });

/**
 * Finds out all that can be known before an engine starts, and tells what is wrong at once: the models, the folder for
 * results, each input, each result's name. `existing`: what becomes of an acquisition that has a result already. Throws `EdgeError` where nothing could be done at all.
 */
export async function findTasks(
  paths: readonly string[],
  options: DenoiseOptions,
  existing: "refuse" | "replace" | "skip",
  io: CommandIo,
) {
  const ended: Ended[] = [];
  const refuse = (input: string, error: unknown): void => {
    ended.push({ input, error });
    io.stderr.write(`cnnt-edge: ${describeError(error)}\n`);
  };
  const given = await givenFiles(paths);
  const line = createWorkLine("denoise", io.stderr);
  const { acquisitions, refused } = await givenAcquisitions(given.files, {
    series: options.series,
    signal: io.signal,
    ...patternGiven(options),
    onFile(done, total) {
      if (done >= worthTelling) line.show({ doing: "looking at the files", done, total });
    },
  }).finally(line.end);
  for (const refusal of refusalLines([...given.refused, ...refused])) {
    io.stderr.write(`cnnt-edge: ${refusal}\n`);
  }
  ended.push(...given.refused, ...refused);
  for (const note of given.notes) io.stderr.write(`${visible(note)}\n`);
  const dirs = new Set([options.model, ...Object.values(options.channel)].filter((dir) => dir !== pass));
  const look = async (dir: string): Promise<ModelPackage> => {
    const model = await readPackage(dir);
    if (!options.runAnyway) refuseOtherTask(model, otherTaskRemedy);
    return model;
  };
  const [, ...models] = await refuseTogether(
    [() => refuseUselessFolder(options.out), ...[...dirs].map((dir) => () => look(dir))],
    io,
  );

  const tasks: Task[] = [];
  const taken = new Map<string, string>();
  const naming = { kind: resultKindOf(models), limitBytes: await nameLimitOf(options.out) };
  const images = acquisitions.flatMap(({ series: all, ...given }) =>
    all.map((series) => ({ ...given, series })),
  );
  for (const { input, first, series } of images) {
    const output = join(options.out, resultName(first, { series, ...naming }));
    const other = taken.get(output);
    if (other !== undefined) {
      refuse(input, sameResult(input, other, output));
      continue;
    }
    taken.set(output, input);
    const exists = existing !== "replace" && (await isThere(output));
    if (exists && existing === "refuse") refuse(input, resultExists(input, output));
    else if (exists) ended.push({ input, skipped: output });
    else tasks.push({ input, series, output });
  }
  for (const acquisition of acquisitions) {
    const what = describeImages(acquisition, options.series);
    if (what !== "") io.stderr.write(`${visible(acquisition.input)}: ${what}\n`);
  }
  const skipped = ended.filter((result) => "skipped" in result).length;
  if (skipped > 0) {
    const which = `${skipped} of ${counted(images.length, "acquisition")}`;
    io.stderr.write(`${which} skipped: ${skipped === 1 ? "its result exists" : "their results exist"}\n`);
  }
  return { tasks, ended };
}

/** A name that is taken, by whatever. */
async function isThere(path: string): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  return facts !== undefined;
}

/** What a person should know of a set, and of a file with several images; nothing for any other. */
function describeImages({ files, seriesCount }: GivenAcquisition, series: number | undefined): string {
  const set = files > 1 ? [`${files} files are one acquisition`] : [];
  if (seriesCount === 1) return set.join("");
  const image =
    series === undefined
      ? `${seriesCount} images, each with a result of its own; --series takes one of them`
      : `image ${series} of ${seriesCount}, counted from 0`;
  return [...set, image].join(": ");
}

function sameResult(input: string, other: string, output: string): EdgeError {
  return usageError("two files would have the same result", {
    code: "output-collision",
    file: input,
    found: `${other} would also become ${output}`,
    remedy: "Denoise them into different folders with --out",
  });
}

function resultExists(input: string, output: string): EdgeError {
  return usageError("its result exists already", {
    code: "output-exists",
    file: input,
    found: output,
    remedy: "Give --overwrite to replace results, or --skip-existing to denoise only inputs without a result",
  });
}
