import { type Pointwise, type PointwiseOperator, pointwise } from "../../core/operators.ts";
import type { OutputMap } from "../intensity/denormalize.ts";

/** Operators without statistics, one after the other; neighbouring linear ones made one. */
export type OperatorChain = readonly PointwiseOperator[];

export function appended(chain: OperatorChain, operator: PointwiseOperator): OperatorChain {
  const last = chain.at(-1);
  if (last?.name !== "scale_linear" || operator.name !== "scale_linear") return [...chain, operator];
  const gain = last.gain * operator.gain;
  return [
    ...chain.slice(0, -1),
    { ...operator, gain, offset: last.offset * operator.gain + operator.offset },
  ];
}

export function asFunction(chain: OperatorChain): Pointwise {
  const [first, ...others] = chain.map(pointwise);
  if (first === undefined) return (value) => value;
  return others.reduce((all, next) => (value) => next(all(value)), first);
}

/** Back from the chain's values to samples; what a clip cut off does not come back. */
export function inverseOf(chain: OperatorChain): OutputMap {
  return chain.reduceRight(
    (map: OutputMap, operator): OutputMap => {
      if (operator.name !== "scale_linear" || operator.gain === 0) return map;
      return { gain: map.gain / operator.gain, offset: (map.offset - operator.offset) / operator.gain };
    },
    { gain: 1, offset: 0 },
  );
}
