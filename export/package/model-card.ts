import type { ModelFacts } from "./describe-model.ts";
import type { Comparison } from "./verify-package.ts";
import type { PackageProof } from "./write-package.ts";

const epilogue = [
  "`test_input.npy` is in sample units; `test_output.npy` is what a float64 forward pass, independent of the ONNX",
  "graph, makes of it after the input scaling. `cnnt-edge verify THIS_FOLDER` compares on this machine.",
];

/** The README of a package: what it is, how it was made, what its intensities mean. Plain facts, no praise. */
export function modelCard(facts: Omit<ModelFacts, "sha256">, proof: PackageProof | undefined): string {
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
    `| input scaling | ${normalizationWords(facts)} |`,
    `| intensities | ${intensityWords(facts)} |`,
    `| tile, overlap | ${settings.tile.join(" x ")}, ${settings.overlap.join(" x ")} (depth, height, width) |`,
    `| height and width | multiples of ${settings.spatial_multiple}${settings.fixed_height_width === undefined ? "" : `, exactly ${settings.fixed_height_width.join(" x ")}`} |`,
    ...(settings.noise_range === undefined
      ? []
      : [`| noise it was tried on | ${settings.noise_range.join(" to ")} of the signal |`]),
    ...(settings.pairs === undefined
      ? []
      : [
          `| gained on ${settings.pairs.count} pairs | ${settings.pairs.psnr_gain_db.median.toFixed(1)} dB (${settings.pairs.psnr_gain_db.min.toFixed(1)} to ${settings.pairs.psnr_gain_db.max.toFixed(1)}) |`,
        ]),
    `| licence | ${facts.license ?? "not stated"} |`,
    `| exported | ${facts.timestamp} |`,
    "",
    "## Validation",
    "",
    ...epilogue,
    ...(proof === undefined ? [] : [measuredWords(proof.measured)]),
    "",
    ...(proof?.evidence === undefined ? [] : [proof.evidence]),
  ];
  return lines.join("\n");
}

function measuredWords({ largestDifference, expectedDeviation }: Comparison): string {
  const share = ((100 * largestDifference) / expectedDeviation).toPrecision(2);
  return `When it was exported the largest difference was ${largestDifference.toPrecision(2)}, ${share} % of the output's standard deviation.`;
}

function normalizationWords({ settings: { normalization } }: Omit<ModelFacts, "sha256">): string {
  if (normalization.kind === "none") return "none";
  const clip = normalization.clip ? "clipped to [0, 1]" : "not clipped";
  const { low, high } = normalization;
  return normalization.kind === "fixed"
    ? `sample values ${low} to ${high} become 0 to 1, ${clip}`
    : `the ${low}th and ${high}th percentile of the whole stack become 0 and 1, ${clip}`;
}

function intensityWords({ settings: { intensity } }: Omit<ModelFacts, "sha256">): string {
  switch (intensity.meaning) {
    case "preserved":
      return "preserved: output values are in the input's units";
    case "affine":
      return `affine: after ${intensity.gain} · x + ${intensity.offset} output values are in the input's units`;
    case "uncalibrated":
      return "uncalibrated: do not compare output values with input values or between stacks";
  }
}
