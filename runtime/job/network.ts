import type { ModelPackage } from "../../core/package-settings.ts";

/** Depth, height, width of one tile, in pixels. */
export type TileShape = readonly [depth: number, height: number, width: number];

/**
 * Room for one tile going in and one coming out, `[depth, height, width]` each, C order. Both threads see the same
 * memory: moving arrays to the network's thread and back made so much garbage that collecting it took a third of the
 * time of a network that does nothing.
 */
export interface TileBuffers {
  readonly input: Float32Array<SharedArrayBuffer>;
  readonly output: Float32Array<SharedArrayBuffer>;
}

/** Where tiles go: the ONNX Runtime on its own thread, or a plain function in tests. */
export interface Network {
  /** The provider that runs. */
  readonly provider: string;
  readonly runtimeVersion: string;
  /** Of the CPU provider: with another number its sums are rounded otherwise. Absent where it says nothing. */
  readonly threads?: number;
  /**
   * Runs one tile: reads `input`, fills `output`, and returns the seconds inside the runtime's run call. Until then
   * the buffers are the network's. Calls may overlap; they are served in order.
   * Throws `EdgeError` (`machine`: `network-memory`, `network-failed`).
   */
  readonly run: (model: ModelPackage, shape: TileShape, buffers: TileBuffers) => Promise<number>;
}

export function makeTileBuffers([depth, height, width]: TileShape): TileBuffers {
  const bytes = depth * height * width * Float32Array.BYTES_PER_ELEMENT;
  return {
    input: new Float32Array(new SharedArrayBuffer(bytes)),
    output: new Float32Array(new SharedArrayBuffer(bytes)),
  };
}
