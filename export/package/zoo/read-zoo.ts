import { z } from "zod";
import { type AxisSizes, isOne, largestFitting } from "../../../core/operators.ts";
import { mostTileVoxels, type PackageSettings, type ZooModel } from "../../../core/package-settings.ts";
import { elementCount } from "../../../core/tensor.ts";
import {
  type AxisLetter,
  cannotRun,
  checked,
  type FileReference,
  type ZooDescription,
} from "./description.ts";
import { format04, readFormat04 } from "./format-04.ts";
import { format05, readFormat05 } from "./format-05.ts";
import { judgeTask } from "./judge-task.ts";

const versioned = z.looseObject({
  format_version: z.string(),
  type: z.literal("model", { error: "a model" }),
});

/**
 * Reads the description of somebody else's model, `stated` as parsed from the YAML in `file`. Throws `EdgeError`:
 * `format` for what no version of the format allows, `unsupported` for what cannot be run here, with the reason. `settings`
 * are in place of those that our own packages carry.
 */
export function readZooDescription(stated: unknown, file: string) {
  const { format_version: version } = checked(versioned, stated, file);
  const description = version.startsWith("0.4.")
    ? readFormat04(checked(format04, stated, file), file)
    : version.startsWith("0.5.")
      ? readFormat05(checked(format05, stated, file), file)
      : undefined;
  if (description === undefined) {
    throw cannotRun(file, { at: "format_version", found: version, allowed: "0.4 or 0.5" });
  }
  refuseNetworkFiles(description, file);
  const zoo: ZooModel = { task: judgeTask(stated), ...zooModelOf(description, file) };
  return { description, zoo, settings: settingsOf(zoo) };
}

function refuseNetworkFiles({ weights, testInput, testOutput }: ZooDescription, file: string): void {
  const remote = [weights, testInput, testOutput].find(({ source }: FileReference) => source.includes("://"));
  if (remote === undefined) return;
  throw cannotRun(file, {
    at: "source",
    found: remote.source,
    allowed: "files in the folder",
    remedy: "Download the whole model (a .zip) from bioimage.io and unpack it",
  });
}

function zooModelOf(description: ZooDescription, file: string): Omit<ZooModel, "task"> {
  const { inputAxes, outputAxes } = description;
  const input = inputAxes.map(({ letter }) => letter).join("");
  const output = outputAxes.map(({ letter }) => letter).join("");
  refuseOrder(input, "inputs.0.axes", file);
  refuseOrder(output, "outputs.0.axes", file);
  const channels = inputAxes.find(({ letter }) => letter === "c")?.sizes.min ?? 1;
  if (channels !== 1) {
    throw cannotRun(file, { at: "inputs.0.axes", found: `${channels} channels`, allowed: "one" });
  }
  const sizesOf = (letter: AxisLetter): AxisSizes =>
    inputAxes.find((axis) => axis.letter === letter)?.sizes ?? { min: 1, step: 0 };
  const depths = (["z", "t"] as const).filter((letter) => !isOne(sizesOf(letter)));
  if (depths.length > 1) {
    throw cannotRun(file, { at: "inputs.0.axes", found: "z and t", allowed: "one of them as depth" });
  }
  const depth = depths[0] ?? "z";
  const sizes = [sizesOf(depth), sizesOf("y"), sizesOf("x")] as const;
  if (sizes.some(({ min }) => min < 1)) {
    throw cannotRun(file, {
      at: "inputs.0.shape",
      found: "fewer lengths than axes",
      allowed: "a length for each",
    });
  }
  const smallest = elementCount(sizes.map(({ min }) => min));
  if (smallest > mostTileVoxels) {
    throw cannotRun(file, {
      at: "inputs.0.axes",
      found: `a smallest tile of ${smallest} voxels`,
      allowed: `at most ${mostTileVoxels}`,
    });
  }
  for (const { letter, size } of outputAxes) {
    const wanted = letter === "c" || letter === "b" ? { min: 1, step: 0 } : sizesOf(letter);
    if (size === "as-input" || (size === wanted.min && wanted.step === 0)) continue;
    throw cannotRun(file, {
      at: "outputs.0",
      found: `${size} along ${letter}`,
      allowed: letter === "c" ? "one channel" : "the input's size",
    });
  }
  const haloOf = (letter: AxisLetter): number => outputAxes.find((axis) => axis.letter === letter)?.halo ?? 0;
  const { before, after, tolerance, notes } = description;
  return {
    inputAxes: input,
    outputAxes: output,
    sizes,
    halo: [haloOf(depth), haloOf("y"), haloOf("x")],
    before,
    after,
    tolerance,
    notes,
  };
}

/** A tile lies in memory plane after plane, row after row; where the network wants another order, we do not turn it. */
function refuseOrder(axes: string, at: string, file: string): void {
  const space = [...axes].filter((letter) => "tzyx".includes(letter)).join("");
  const twice = [...axes].some((letter, index) => axes.indexOf(letter) !== index);
  if (!twice && ["yx", "zyx", "tyx", "tzyx", "ztyx"].includes(space)) return;
  throw cannotRun(file, { at, found: axes, allowed: "depth (z or t) before y before x, each once" });
}

/** What fits most networks: planes of a camera, and stacks as the published code tiles them. */
const planeTile = 1024;
const stackTile = [32, 256, 256] as const;
/** Where a description states no halo. */
const usualOverlap = [4, 64, 64] as const;

function settingsOf({ sizes, halo, tolerance }: ZooModel): PackageSettings {
  const [depth, height, width] = sizes;
  const single = isOne(depth);
  const tile = [
    largestFitting(depth, stackTile[0]),
    largestFitting(height, single ? planeTile : stackTile[1]),
    largestFitting(width, single ? planeTile : stackTile[2]),
  ] as const;
  const overlapOf = (k: 0 | 1 | 2): number => {
    // The halo on either side is thrown away, and as much again is for blending.
    const wanted = halo[k] > 0 ? 4 * halo[k] : usualOverlap[k];
    return Math.min(wanted, Math.floor(tile[k] / 2));
  };
  return {
    schema: 1,
    normalization: { kind: "none" },
    intensity: { meaning: "uncalibrated" },
    spatial_multiple: 1,
    tile: [...tile],
    overlap: [overlapOf(0), overlapOf(1), overlapOf(2)],
    test_tolerance: tolerance.absolute,
  };
}
