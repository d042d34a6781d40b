import type { BenchReport } from "../bench/measure-machine.ts";
import { describeDuration, describeRate } from "./progress.ts";

/** The report as a table that a person reads, and that fits into bench/RESULTS.md as it is. */
export function reportTable(report: BenchReport, command: string): string {
  const share = (seconds: number): string => `${((100 * seconds) / report.elapsed_s).toFixed(1)} %`;
  const rows: [string, string][] = [
    [
      "delivered, file to file",
      `${describeRate(report.delivered_voxels_per_s)} (${fixed(report.elapsed_s)} s)`,
    ],
    ["through the network", `${describeRate(report.network_voxels_per_s)} (${fixed(report.network_s)} s)`],
    ["delivered / in-network time", report.delivered_to_network.toFixed(3)],
    [
      "the same tiles without other work",
      `${fixed(report.bare_s)} s (in the job ${(report.network_s / report.bare_s).toFixed(2)} x)`,
    ],
    [
      "tiles",
      `${report.tiles} of ${report.tile.join(" x ")}, overlap ${report.overlap.join(", ")}: ${report.redundancy.toFixed(2)} voxels computed for each delivered`,
    ],
    ...Object.entries(report.stages_s).map(([stage, s]): [string, string] => [
      `stage: ${stage}`,
      `${share(s)} (${fixed(s)} s)`,
    ]),
    ...Object.entries(report.busy_s).map(([kind, s]): [string, string] => [
      `beside the network: ${kind}`,
      `${share(s)} (${fixed(s)} s)`,
    ]),
    [
      "arithmetic in the network",
      report.network_flops === undefined ? "not counted" : gigaflops(report.network_flops),
    ],
    ["arithmetic of a float32 matrix product", gigaflops(report.matrix_product_flops)],
    ["arithmetic of a float32 convolution, 64 to 256 channels", gigaflops(report.convolution_flops)],
    ...(report.network_flops === undefined ? [] : [shareOfPeak(report.network_flops, report)]),
    ["peak memory", `${(report.peak_memory_bytes / 1e6).toFixed(0)} MB`],
    ["verdict", verdict(report)],
  ];
  return [
    `${report.machine}, ${report.threads} threads, ${report.provider} provider of ONNX Runtime ${report.runtime}; ${report.model}; ${report.input}`,
    `\`${command}\`, median of ${report.elapsed_s_of_runs.length}`,
    "",
    "| what | measured |",
    "|---|---|",
    ...rows.map(([what, measured]) => `| ${what} | ${measured} |`),
    "",
  ].join("\n");
}

export function verdict(report: Pick<BenchReport, "elapsed_s" | "acquisition_interval_s" | "keeps_up">) {
  const interval = `one such stack each ${report.acquisition_interval_s} s`;
  const took = describeDuration(report.elapsed_s);
  return report.keeps_up ? `${interval}: keeps up (${took})` : `${interval}: falls behind (it takes ${took})`;
}

function shareOfPeak(
  flops: number,
  { matrix_product_flops, convolution_flops }: BenchReport,
): [string, string] {
  const share = flops / Math.max(matrix_product_flops, convolution_flops);
  return ["the network's share of the larger of these two", `${(100 * share).toFixed(0)} %`];
}

function gigaflops(flops: number): string {
  return `${(flops / 1e9).toFixed(0)} GFLOP/s`;
}

function fixed(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1);
}
