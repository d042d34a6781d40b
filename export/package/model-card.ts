import type { PackageFacts } from "./describe-model.ts";
import { settingsWords } from "./settings-words.ts";
import type { TensorComparison } from "./verify-package.ts";
import type { PackageProof } from "./write-package.ts";

/**
 * The README of a package: what it is, how it was made, what its intensities mean. Plain facts, no praise. `expectedBy`:
 * what made `test_output.npy`.
 */
export function modelCard(
  facts: Omit<PackageFacts, "sha256">,
  proof: PackageProof | undefined,
  expectedBy = "a float64 forward pass, independent of the ONNX graph,",
): string {
  const { settings } = facts;
  const architecture = settings.architecture;
  const lines = [
    `# ${facts.name}`,
    "",
    `${facts.description}. Run it with \`cnnt-edge denoise STACK --model THIS_FOLDER\`.`,
    "",
    ...(facts.cover === undefined ? [] : [`![left: noisy, right: denoised](${facts.cover})`, ""]),
    "| | |",
    "|---|---|",
    ...(architecture === undefined
      ? []
      : [
          `| network | CNNT, blocks ${architecture.blocks.join(", ")}, ${architecture.blocks_per_set} cells a set, ${architecture.n_head} heads, ${architecture.norm_mode} norm, kernel ${architecture.kernel_size}${architecture.with_mixer ? "" : ", no mixer"}${architecture.no_residual ? ", no residual" : ""} |`,
        ]),
    `| precision | ${facts.precision === "fp16" ? "half, with norms, scores and softmax in single" : "single (float32)"} |`,
    ...settingsWords(settings).map(([label, words]) => `| ${label} | ${words} |`),
    `| licence | ${facts.license ?? "not stated"} |`,
    `| exported | ${facts.timestamp} |`,
    "",
    "## Validation",
    "",
    `\`test_input.npy\` is in sample units; \`test_output.npy\` is what ${expectedBy} makes of it after the input scaling.`,
    "`cnnt-edge verify THIS_FOLDER` compares on this machine.",
    ...(proof === undefined ? [] : [measuredWords(proof.measured)]),
    "",
    ...(proof?.evidence === undefined ? [] : [proof.evidence]),
  ];
  return lines.join("\n");
}

function measuredWords({ largestDifference, expectedDeviation }: TensorComparison): string {
  const share = ((100 * largestDifference) / expectedDeviation).toPrecision(2);
  return `When it was exported the largest difference was ${largestDifference.toPrecision(2)}, ${share} % of the output's standard deviation.`;
}
