import type { PlaneShape } from "../metrics/local-moments.ts";
import { meanOf, type NoisyReferences } from "../metrics/noisy-references.ts";

/** Standard deviations of each square of a plane, `[rows, columns]`. */
export interface DifferenceMap {
  readonly rows: number;
  readonly columns: number;
  readonly deviations: Float32Array;
}

const side = 8;
const threshold = 4;

/**
 * Where the result differs from the references by more than noise explains: local means of (image - reference) over
 * small squares, in standard deviations of what noise does to such a mean. The noise is measured, from draw to draw
 * and from reference to reference, and pooled over each square and its eight neighbours.
 */
export function localDifferences(shape: PlaneShape) {
  let beyond = 0;
  let squares = 0;
  return {
    /** The next plane; one image per draw. */
    add(images: readonly Float32Array[], references: NoisyReferences): void {
      const map = differenceMap(images, references, shape);
      if (map === undefined) return;
      for (const deviation of map.deviations) if (Math.abs(deviation) > threshold) beyond += 1;
      squares += map.deviations.length;
    },
    /** Share of squares beyond `threshold` standard deviations; undefined where noise cannot be measured. */
    beyondNoise: (): number | undefined => (squares > 0 ? beyond / squares : undefined),
  };
}

/** Undefined for a single draw or a single reference: then the noise of one of them is unknown. */
export function differenceMap(
  images: readonly Float32Array[],
  references: NoisyReferences,
  shape: PlaneShape,
): DifferenceMap | undefined {
  const count = images.length;
  if (count < 2 || references.contrasts.length === 0) return undefined;
  const rows = Math.floor(shape.height / side);
  const columns = Math.floor(shape.width / side);
  const means = (image: Float32Array) => squareMeans(image, shape, rows, columns);
  const mean = means(meanOf(images));
  const reference = means(references.mean);
  const ofImages = images.map(means);
  const ofContrasts = references.contrasts.map(means);
  const noise = mean.map((value, square) => {
    const input =
      ofImages.reduce((sum, values) => sum + ((values[square] ?? 0) - value) ** 2, 0) / (count * (count - 1));
    const judge = ofContrasts.reduce((sum, values) => sum + (values[square] ?? 0) ** 2, 0);
    return input + judge / (ofContrasts.length * references.count);
  });
  return {
    rows,
    columns,
    deviations: mean.map((value, square) => {
      const pooled = neighbourhoodMean(noise, square, rows, columns);
      return pooled > 0 ? (value - (reference[square] ?? 0)) / Math.sqrt(pooled) : 0;
    }),
  };
}

function squareMeans(image: Float32Array, shape: PlaneShape, rows: number, columns: number): Float32Array {
  const means = new Float32Array(rows * columns);
  for (let row = 0; row < rows * side; row += 1) {
    const to = Math.floor(row / side) * columns;
    for (let column = 0; column < columns * side; column += 1) {
      const square = to + Math.floor(column / side);
      means[square] = (means[square] ?? 0) + (image[row * shape.width + column] ?? 0) / (side * side);
    }
  }
  return means;
}

function neighbourhoodMean(values: Float32Array, square: number, rows: number, columns: number): number {
  const row = Math.floor(square / columns);
  const column = square % columns;
  let sum = 0;
  let count = 0;
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y += 1) {
    for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x += 1) {
      sum += values[y * columns + x] ?? 0;
      count += 1;
    }
  }
  return sum / count;
}
