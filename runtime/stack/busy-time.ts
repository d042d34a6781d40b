/** What the pipeline does beside the network, for those who ask where time goes. */
export const busyStages = ["reading", "normalizing", "blending", "denormalizing", "writing"] as const;
export type BusyStage = (typeof busyStages)[number];

/** Told after each piece of work. Reading and writing go on beside the rest, so that the sum may exceed the clock. */
export type TellBusy = (stage: BusyStage, seconds: number) => void;

export function timed<T>(stage: BusyStage, tell: TellBusy | undefined, act: () => T): T {
  const begin = performance.now();
  const result = act();
  tell?.(stage, (performance.now() - begin) / 1000);
  return result;
}

export async function timedAsync<T>(
  stage: BusyStage,
  tell: TellBusy | undefined,
  act: () => Promise<T>,
): Promise<T> {
  const begin = performance.now();
  const result = await act();
  tell?.(stage, (performance.now() - begin) / 1000);
  return result;
}
