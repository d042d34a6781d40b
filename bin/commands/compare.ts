import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Option } from "commander";
import { usageError, visible } from "../../core/errors.ts";
import { filesOf } from "../../formats/files-of.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { refuseTogether } from "../given/refusals.ts";
import { positive } from "../options/option-values.ts";
import {
  type CandidatePair,
  type ComparisonRow,
  comparisonLegend,
  comparisonTable,
  describePair,
} from "../words/describe-comparison.ts";
import { createWorkLine } from "../words/progress.ts";

interface CompareOptions {
  readonly model: readonly string[];
  readonly reference?: string;
  readonly runAnyway?: true;
  readonly dataRange?: number;
  readonly json?: true;
}

export const defineCompare: DefineCommand = (program, io, act) => {
  program
    .command("compare")
    .summary("the same metrics for any two files or models")
    .description(
      "Compares files with a reference: `compare A B` takes B for the truth; `compare A B --reference R` compares both " +
        "with R. With --model, given once or more, each model denoises the inputs, and the results are compared with " +
        "--reference and with each other. Folders are compared file by file, in order of their names. PSNR and " +
        "SSIM are given as is, and also after the best gain and offset, as in many published tables. The " +
        "reference's noise counts as error here; `calibrate` can separate it from error.",
    )
    .argument("<path...>", "files, or folders with equal numbers of files")
    .option("--reference <path>", "file or folder that all others are compared with")
    .addOption(
      new Option("--model <package>", "denoise the inputs with this model first; repeat it to compare models")
        .argParser((value, before: readonly string[]) => [...before, value])
        .default([], "none"),
    )
    .option("--run-anyway", "also compare a model whose description says that it does something else")
    .option(
      "--data-range <grey>",
      "for PSNR and SSIM (default: the reference's largest minus its smallest value)",
      positive,
    )
    .option("--json", "the result as JSON on stdout")
    .action((paths: string[], options: CompareOptions) => act(() => compare(paths, options, io)));
};

async function compare(paths: readonly string[], options: CompareOptions, io: CommandIo): Promise<number> {
  const { comparisonDefinitions } = await import("../../calibration/compare/comparison-definitions.ts");
  const { pairedDifference } = await import("../../calibration/compare/paired-difference.ts");
  const { randomOf } = await import("../../calibration/simulation/random.ts");
  const asked = await askedFor(paths, options, io);
  await lookAhead(asked, options.runAnyway ?? false, io);
  const work = await mkdtemp(join(tmpdir(), "cnnt-edge-compare-"));
  try {
    const { references } = asked;
    const candidates = [...asked.candidates];
    for (const [index, model] of asked.models.entries()) {
      const files = await denoiseAll(asked.inputs, model, join(work, String(index)), io);
      candidates.push({ name: model, files });
    }
    const measured: { name: string; rows: readonly ComparisonRow[] }[] = [];
    for (const { name, files } of candidates) {
      const rows: ComparisonRow[] = [];
      for (const [index, reference] of references.entries()) {
        const comparison = await compareFiles(files[index] ?? "", reference, options, io);
        rows.push({ candidate: name, stack: basename(reference), ...comparison });
      }
      measured.push({ name, rows });
    }
    const rows = measured.flatMap((candidate) => candidate.rows);
    const pairs = measured.flatMap((first, index) =>
      measured.slice(index + 1).map((second): CandidatePair => {
        const difference = (of: (row: ComparisonRow) => number) =>
          pairedDifference(first.rows.map(of), second.rows.map(of), randomOf(1));
        return {
          first: first.name,
          second: second.name,
          psnr_db: difference((row) => row.psnr_db),
          fitted_psnr_db: difference((row) => row.fitted_psnr_db),
          ssim_published_7x7: difference((row) => row.ssim_published_7x7),
        };
      }),
    );
    const definitions = comparisonDefinitions(options.dataRange);
    if (options.json) {
      io.stdout.write(`${JSON.stringify({ definitions, comparisons: rows, paired: pairs }, null, 2)}\n`);
    } else {
      const parts = [comparisonTable(rows), comparisonLegend(definitions), ...pairs.map(describePair)];
      io.stdout.write(parts.join(""));
    }
    return exitCodes.done;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

const otherTaskRemedy = "Choose models that denoise. --run-anyway compares what it makes";

interface Candidate {
  readonly name: string;
  readonly files: readonly string[];
}

interface Asked {
  /** Files that are there; the models' results come after them. */
  readonly candidates: readonly Candidate[];
  readonly references: readonly string[];
  /** Package folders that the inputs go through. */
  readonly models: readonly string[];
  readonly inputs: readonly string[];
}

async function askedFor(
  paths: readonly string[],
  { model, reference }: CompareOptions,
  io: CommandIo,
): Promise<Asked> {
  const images = (path: string) =>
    filesOf(path, (sentence) => void io.stderr.write(`${visible(sentence)}\n`));
  if (model.length > 0) {
    if (reference === undefined) {
      throw usageError("models are compared by a reference", {
        code: "compare-reference",
        remedy: "Give the clean files with --reference",
      });
    }
    const inputs = (await Promise.all(paths.map(images))).flat();
    const references = await images(reference);
    return { candidates: [{ name: "input", files: inputs }], references, models: model, inputs };
  }
  const given = reference === undefined ? paths.slice(0, -1) : paths;
  const truth = reference ?? paths.at(-1);
  if (truth === undefined || given.length === 0) {
    throw usageError("there is nothing to compare with", {
      code: "compare-reference",
      remedy: "Name two files or folders; the last one is the reference",
    });
  }
  const candidates = await Promise.all(
    given.map(async (path) => ({ name: path, files: await images(path) })),
  );
  return { candidates, references: await images(truth), models: [], inputs: [] };
}

/** Refuses what could not be compared in the end, before anything is denoised. */
async function lookAhead({ candidates, references, models }: Asked, runAnyway: boolean, io: CommandIo) {
  const { lookAtImage } = await import("../given/given-acquisitions.ts");
  const { readPackage } = await import("../../export/package/read-package.ts");
  const { refuseOtherTask, taskNote } = await import("../../export/package/stated-task.ts");
  const { refuseOtherSizes } = await import("../../calibration/compare/compare-stacks.ts");
  for (const { name, files } of candidates) {
    if (files.length !== references.length) throw unequalCount(name, files.length, references.length);
  }
  const pairs = candidates.flatMap(({ files }) =>
    references.map((reference, index) => [files[index] ?? "", reference] as const),
  );
  const looks = pairs.map(([file, reference]) => async (): Promise<undefined> => {
    const truth = await lookAtImage(reference, io.signal);
    refuseOtherSizes(await lookAtImage(file, io.signal), truth);
  });
  const lookAtModel = async (dir: string): Promise<string | undefined> => {
    const model = await readPackage(dir);
    if (!runAnyway) refuseOtherTask(model, otherTaskRemedy);
    return taskNote(model);
  };
  const notes = await refuseTogether([...models.map((dir) => () => lookAtModel(dir)), ...looks], io);
  for (const note of notes) if (note !== undefined) io.stderr.write(`note: ${visible(note)}\n`);
}

/** Denoises to float32 under names that keep the order. */
async function denoiseAll(inputs: readonly string[], model: string, folder: string, io: CommandIo) {
  await mkdir(folder);
  const engine = await io.startEngine({ models: [model] });
  const line = createWorkLine(`compare: ${basename(model)}`, io.stderr);
  try {
    const outputs: string[] = [];
    for (const [index, input] of inputs.entries()) {
      line.show({ doing: `denoising ${basename(input)}`, done: index, total: inputs.length });
      const output = join(folder, `${String(index).padStart(6, "0")}.ome.tif`);
      await engine.denoise(
        { input, output, models: { default: model }, sampleType: "float32" },
        { signal: io.signal },
      );
      outputs.push(output);
    }
    return outputs;
  } finally {
    line.end();
    await engine.stop(io.signal.aborted ? 0 : undefined);
  }
}

async function compareFiles(file: string, reference: string, options: CompareOptions, io: CommandIo) {
  const { compareStacks } = await import("../../calibration/compare/compare-stacks.ts");
  const { openAcquisition } = await import("../../formats/open.ts");
  const a = await openAcquisition(file);
  try {
    const b = await openAcquisition(reference);
    const { dataRange } = options;
    return await compareStacks(a, b, { dataRange, signal: io.signal }).finally(() => b.close());
  } finally {
    await a.close();
  }
}

function unequalCount(name: string, found: number, allowed: number) {
  return usageError("there are not as many files as references", {
    code: "compare-count",
    file: name,
    found: String(found),
    allowed: String(allowed),
    remedy: "Each file needs its own reference, in the same order of names",
  });
}
