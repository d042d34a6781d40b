/** A promise that is never kept, and may be broken from outside. */
export function rejectable(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<never>((_resolve, rejectIt) => {
    reject = rejectIt;
  });
  // Whoever waits for it hears of it; before that nobody has to.
  promise.catch(() => undefined);
  return { promise, reject };
}
