import { machineError, usageError } from "../../core/errors.ts";
import type { PackageSettings, ZooModel } from "../../core/package-settings.ts";
import { elementCount } from "../../core/tensor.ts";
import type { TileShape } from "../job/network.ts";
import { leastTiles, roundUp } from "./least-tiles.ts";
import { gigabytes, memoryNeed } from "./memory-need.ts";
import {
  fittedPlan,
  type Overlap,
  publishedPlan,
  type StackShape,
  type TilePlan,
  tileRefused,
  tileShapeOf,
} from "./tile-plan.ts";
import { zooPlan } from "./zoo-tiles.ts";

export interface TileWishes {
  readonly stack: StackShape;
  readonly settings: PackageSettings;
  /** Present for a network that is no CNNT of ours. */
  readonly zoo?: ZooModel | undefined;
  /** As asked for on the command line or in the configuration: exactly these. */
  readonly tile?: TileShape | undefined;
  readonly overlap?: Overlap | undefined;
  /** `published`: padded as in the published code, with the package's tile if no other is asked for; by default tiles stay inside the stack. */
  readonly tiling?: TilePlan["kind"] | undefined;
  /** Of the source's samples. */
  readonly bytesPerSample: number;
  /** As configured: where the package's tiles need more memory, smaller ones are planned. */
  readonly memoryLimitBytes?: number | undefined;
  /** Larger tiles ran out of memory on this stack. */
  readonly largestVoxels?: number | undefined;
}

/** Of the strip that cut tiles share: what lies so near a tile's edge saw padding, and does not count. */
const leftOutShare = 1 / 4;

/** Where memory does not hold a tile, one of so many of its voxels is tried next. */
const nextSmaller = 0.8;

/**
 * The tiles of a stack: by the stack, the package and what was asked for, never by the memory that happens to be free,
 * because a tile's size changes the result everywhere in it. What was asked for is taken exactly. Otherwise the
 * package's tile says how many voxels a tile may hold, and its overlap what neighbours share; of such tilings that with
 * which least is computed (`leastTiles`). Networks of a fixed shape and those of the zoo get lengths that they take.
 * Throws `EdgeError`: `usage` when the network cannot take such tiles, `machine` when the configured memory holds none.
 */
export function chooseTiles(wishes: TileWishes): TilePlan {
  const { settings, largestVoxels, memoryLimitBytes } = wishes;
  if (tilesAreAsked(wishes) || settings.fixed_shape !== undefined) {
    return withinLimit(askedPlan(wishes), wishes);
  }
  let voxels = Math.min(elementCount(settings.tile), largestVoxels ?? Number.POSITIVE_INFINITY);
  for (;;) {
    const plan = planWithin(voxels, wishes);
    if (memoryLimitBytes === undefined || memoryNeed(plan, wishes) <= memoryLimitBytes) return plan;
    // The network takes no smaller tiles than these.
    if (elementCount(tileShapeOf(plan)) > voxels || voxels < 1) return withinLimit(plan, wishes);
    voxels = Math.floor(nextSmaller * Math.min(voxels, elementCount(tileShapeOf(plan))));
  }
}

/** Then they are never made smaller. */
export function tilesAreAsked(job: Pick<TileWishes, "tile" | "overlap" | "tiling">): boolean {
  return job.tile !== undefined || job.overlap !== undefined || job.tiling === "published";
}

/** A plan with tiles of at most so many voxels, where the network takes such small ones. */
function planWithin(voxels: number, { stack, settings, zoo }: TileWishes): TilePlan {
  if (zoo !== undefined) return zooPlan({ stack, settings, zoo, largestVoxels: voxels });
  if (settings.fixed_height_width !== undefined) {
    const [height, width] = settings.fixed_height_width;
    const depth = Math.max(1, Math.min(stack[0], settings.tile[0], Math.floor(voxels / (height * width))));
    const tile: TileShape = [depth, height, width];
    return fitted(stack, tile, withinTile(settings.overlap, tile), settings);
  }
  const { tile, overlap } = leastTiles({
    stack,
    recommended: settings.tile,
    mostVoxels: voxels,
    overlap: settings.overlap,
    multiple: settings.spatial_multiple,
  });
  return fitted(stack, tile, overlap, settings);
}

/** Exactly the tile and the overlap asked for, or for which the graph is made; what was not asked for is the package's. */
function askedPlan(wishes: TileWishes): TilePlan {
  const { stack, settings, zoo } = wishes;
  if (zoo !== undefined) {
    if (wishes.tiling !== "published") {
      return zooPlan({ ...wishes, zoo, largestVoxels: Number.POSITIVE_INFINITY });
    }
    throw usageError("a model of the zoo cannot be tiled as the published code tiles CNNT", {
      code: "tiling-zoo",
      found: "--tiling published",
      allowed: "fitted: the model's own sizes and halo",
      remedy: "Leave --tiling out",
    });
  }
  const tile = wishes.tile ?? settings.fixed_shape ?? settings.tile;
  refuseTileOfOtherSize(tile, settings);
  if (wishes.tiling === "published") return publishedPlan(stack, tile, wishes.overlap ?? settings.overlap);
  const overlap = wishes.overlap ?? withinTile(settings.overlap, tile);
  return fitted(stack, settings.fixed_shape ?? fittedTo(stack, tile, settings), overlap, settings);
}

/** No longer than the stack, in lengths that the network takes. */
function fittedTo(
  stack: StackShape,
  tile: TileShape,
  { spatial_multiple, fixed_height_width }: PackageSettings,
): TileShape {
  const side = (k: 1 | 2): number =>
    fixed_height_width === undefined ? Math.min(tile[k], roundUp(stack[k], spatial_multiple)) : tile[k];
  return [Math.min(tile[0], stack[0]), side(1), side(2)];
}

/** By one rule for tiles that were chosen and that were asked for: a result states its tiles, and is made again from them. */
function fitted(
  stack: StackShape,
  tile: TileShape,
  overlap: Overlap,
  { architecture }: PackageSettings,
): TilePlan {
  // Of a network that we know nothing of, all counts.
  const leftOut = (shared: number): number =>
    architecture === undefined ? 0 : Math.floor(leftOutShare * shared);
  return fittedPlan(stack, tile, overlap, [0, leftOut(overlap[1]), leftOut(overlap[2])]);
}

/** The recommended overlap, but no more than half of a small tile. */
function withinTile(overlap: Overlap, tile: TileShape): Overlap {
  const shared = (k: 0 | 1 | 2): number => Math.min(overlap[k], Math.floor(tile[k] / 2));
  return [shared(0), shared(1), shared(2)];
}

function withinLimit(plan: TilePlan, wishes: TileWishes): TilePlan {
  const { memoryLimitBytes } = wishes;
  const need = memoryNeed(plan, wishes);
  if (memoryLimitBytes === undefined || need <= memoryLimitBytes) return plan;
  throw machineError("the memory limit is too small for these tiles", {
    code: "memory-limit",
    found: gigabytes(memoryLimitBytes),
    allowed: `at least ${gigabytes(need)} for tiles of ${tileShapeOf(plan).join(",")}`,
    remedy: "Allow more (engine.memory_limit, --memory-limit), or choose a smaller tile",
  });
}

function refuseTileOfOtherSize(tile: TileShape, settings: PackageSettings): void {
  const shape = settings.fixed_shape;
  if (shape?.some((length, axis) => length !== tile[axis])) {
    throw tileRefused(tile, `${shape.join(",")}, to which its graph is fixed (export --static)`);
  }
  const fixed = settings.fixed_height_width;
  if (fixed !== undefined && (tile[1] !== fixed[0] || tile[2] !== fixed[1])) {
    throw tileRefused(
      tile,
      `height,width ${fixed.join(",")}, those of training (its norm has weights per pixel)`,
    );
  }
  const multiple = settings.spatial_multiple;
  if (tile[1] % multiple !== 0 || tile[2] % multiple !== 0) {
    throw tileRefused(tile, `height and width that are multiples of ${multiple}`);
  }
}
