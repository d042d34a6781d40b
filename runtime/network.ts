import type { ModelPackage } from "../core/package-settings.ts";

/** Depth, height, width of one tile, in pixels. */
export type TileShape = readonly [depth: number, height: number, width: number];

/** Room for one tile going in and one coming out, `[depth, height, width]` each, C order. */
export interface TileBuffers {
  readonly input: Float32Array<ArrayBuffer>;
  readonly output: Float32Array<ArrayBuffer>;
}

export interface TileRun {
  /** The same memory as was handed over, `output` filled. */
  readonly buffers: TileBuffers;
  /** Seconds inside the runtime's run call. */
  readonly seconds: number;
}

/** Where tiles go: the ONNX Runtime on its own thread, or a plain function in tests. */
export interface Network {
  /** The provider that runs. */
  readonly provider: string;
  readonly runtimeVersion: string;
  /**
   * Runs one tile. The buffers move to the network's thread and come back with the result, uncopied: the arrays
   * passed in are empty from then on. Calls may overlap; they are served in order.
   * Throws `EdgeError` (`machine`: `network-memory`, `network-failed`).
   */
  readonly run: (model: ModelPackage, shape: TileShape, buffers: TileBuffers) => Promise<TileRun>;
}

export function makeTileBuffers([depth, height, width]: TileShape): TileBuffers {
  const voxels = depth * height * width;
  return { input: new Float32Array(voxels), output: new Float32Array(voxels) };
}
