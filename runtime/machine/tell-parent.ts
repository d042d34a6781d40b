/**
 * Sends `message` to the process that forked this one. A parent that is gone is no error: "disconnect" tells of it. Without
 * the callback Node would end this process with the trace of an EPIPE.
 */
export function tellParent(message: object): void {
  process.send?.(message, undefined, undefined, () => undefined);
}
