import { visible } from "../../core/errors.ts";
import type { MachineCheck } from "../../runtime/engine/machine-checks.ts";
import { type DefineCommand, exitCodes } from "../command/command.ts";
import { shippedModel } from "../options/option-values.ts";

interface DoctorOptions {
  readonly model: string;
  readonly json?: true;
}

/** What the findings come to, in a sentence. */
function verdictOf(checks: readonly MachineCheck[]): string {
  const broken = checks.flatMap(({ state, what }) => (state === "broken" ? [what] : []));
  if (broken.length > 0) return `Nothing can be denoised until this is corrected: ${broken.join(", ")}.`;
  const providers = checks.flatMap(({ state, what }) =>
    state === "ok" && what.startsWith("provider ") ? [what.slice("provider ".length)] : [],
  );
  const lacks = checks.some(({ state }) => state === "lacks");
  return `This machine can denoise, with: ${providers.join(", ")}.${lacks ? ' What is marked "lacks" is optional.' : ""}`;
}

export const defineDoctor: DefineCommand = (program, io, act) => {
  program
    .command("doctor")
    .summary("what this machine has and lacks")
    .description(
      "Checks everything that denoising needs, and says what is missing and how to correct it. Each provider runs " +
        "the model's test tensor in its own process. Exits with 1 only if nothing can be denoised.",
    )
    .option("--model <package>", "model folder to verify", shippedModel)
    .option("--json", "the findings as JSON on stdout")
    .action((options: DoctorOptions) =>
      act(async () => {
        const { checkMachine } = await import("../../runtime/engine/machine-checks.ts");
        const checks = await checkMachine(options.model, process.cwd());
        if (options.json) io.stdout.write(`${JSON.stringify({ checks }, null, 2)}\n`);
        else {
          for (const { state, what, found, remedy } of checks) {
            io.stdout.write(`${state.padEnd(6)}  ${what}: ${visible(found)}\n`);
            if (remedy !== undefined) io.stdout.write(`        ${visible(remedy)}\n`);
          }
          io.stdout.write(`\n${verdictOf(checks)}\n`);
        }
        return checks.some(({ state }) => state === "broken") ? exitCodes.failed : exitCodes.done;
      }),
    );
};
