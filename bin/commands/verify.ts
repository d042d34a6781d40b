import { usageError, verificationError } from "../../core/errors.ts";
import type { Tensor } from "../../core/tensor.ts";
import type { Verified } from "../../export/package/verify-package.ts";
import { type DefineCommand, exitCodes } from "../command/command.ts";
import { refuseTogether } from "../given/refusals.ts";
import { notNegative } from "../options/option-values.ts";

interface VerifyOptions {
  readonly input?: string;
  readonly expected?: string;
  readonly atol: number;
  readonly rtol: number;
  readonly provider?: readonly string[];
  readonly json?: boolean;
}

export const defineVerify: DefineCommand = (program, io, act) => {
  program
    .command("verify")
    .summary("is this model package right on this machine?")
    .description(
      "Runs a package's own test tensors through its network on this machine and compares with the float64 forward " +
        "pass that made them; and, with --input and --expected, a pair of your own (.npy, network input and output).",
    )
    .argument("<package>", "package folder (made by export)")
    .option("--input <npy>", "network input [B, T, 1, H, W], already scaled")
    .option("--expected <npy>", "the network output that you expect")
    .option("--atol <number>", "largest absolute difference", notNegative, 1e-4)
    .option("--rtol <number>", "largest difference relative to the expected value", notNegative, 0)
    .option(
      "--provider <name...>",
      "provider(s) to verify on (default: cpu, and cuda if its libraries are installed)",
    )
    .option("--json", "the answer as JSON on stdout")
    .action((dir: string, options: VerifyOptions) =>
      act(async () => {
        if ((options.input === undefined) !== (options.expected === undefined)) {
          throw usageError("--input and --expected belong together", {
            code: "verify-half-a-pair",
            remedy: "Give both, or neither",
          });
        }
        const { readPackage } = await import("../../export/package/read-package.ts");
        const { absoluteTolerance, toleranceWords, verifyAgainst, verifyPackage } = await import(
          "../../export/package/verify-package.ts"
        );
        const { statedTaskOf, taskWords } = await import("../../export/package/stated-task.ts");
        const { readNpyTensor } = await import("../../formats/npy.ts");
        const { runTensor } = await import("../../runtime/engine/run-tensor.ts");
        const { forProvider } = await import("../../runtime/engine/prepared-engine.ts");
        const { runnableModel } = await import("../../runtime/engine/runnable-model.ts");
        const { installedProviders } = await import("../../runtime/engine/choose-provider.ts");

        const tensorOf = async (file: string | undefined): Promise<Tensor | undefined> =>
          file === undefined ? undefined : await readNpyTensor(file);
        const [model, input, expected] = await refuseTogether(
          [() => readPackage(dir), () => tensorOf(options.input), () => tensorOf(options.expected)],
          io,
        );
        const results: Result[] = [];
        for (const provider of options.provider ?? installedProviders()) {
          const runnable = runnableModel(await forProvider(model, provider));
          const run = (tensor: Tensor) => runTensor({ ...runnable, provider, input: tensor }, io.signal);
          results.push({ provider, test: "own test tensors", ...(await verifyPackage(model, run)) });
          if (input !== undefined && expected !== undefined) {
            const tolerance = absoluteTolerance(options.atol, options.rtol);
            results.push({
              provider,
              test: "given pair",
              ...(await verifyAgainst(model, run, input, expected, tolerance)),
            });
          }
        }
        const verified = model.statementsAreHashed !== false;
        const task = statedTaskOf(model);
        if (options.json) {
          io.stdout.write(
            `${JSON.stringify({ package: dir, model: model.modelSha256, task, verified, results })}\n`,
          );
        } else {
          for (const result of results) {
            const allowed = toleranceWords(result.tolerance);
            io.stdout.write(`${model.name} on ${result.provider}, ${asText(result, allowed, verified)}\n`);
          }
          io.stdout.write(`${model.name}, task: ${taskWords(task)}\n`);
        }
        if (!verified) throw notHashed(dir);
        return exitCodes.done;
      }),
    );
};

interface Result extends Verified {
  readonly provider: string;
  readonly test: string;
}

/** "right" says within what; where settings may have been changed since the export, it is the network only. */
function asText(result: Result, allowed: string, verified: boolean): string {
  const { test, largestDifference, expectedDeviation } = result;
  const ofDeviation = (value: number): string =>
    expectedDeviation > 0
      ? `, ${(value / expectedDeviation).toExponential(1)} of the output's standard deviation`
      : "";
  const found = `largest difference ${largestDifference.toExponential(1)}${ofDeviation(largestDifference)}`;
  return `${test}: ${verified ? "right" : "only the network is proven,"} within ${allowed} (${found})`;
}

function notHashed(dir: string) {
  return verificationError("the network is right, but the package's settings are not under a hash", {
    code: "verify-not-hashed",
    file: dir,
    found: "a package of an earlier version, or one whose hash was removed",
    remedy: "Export it again; without the hash it is unknown whether its settings were changed",
  });
}
