// Loaded before anything else in each process of ours that has a parent to answer to (`process-channel.ts`): whatever ends
// the parent, at whatever moment, closes the channel between them. Plain JavaScript, because the seconds in which tsx and
// the program are loaded count too.
import { isMainThread } from "node:worker_threads";

/** For removing what is half written. */
const graceMs = 5000;

const kill = () => process.kill(process.pid, "SIGKILL");

// Threads of the process load it again.
if (isMainThread && process.send !== undefined) {
  if (!process.connected) kill();
  process.once("disconnect", () => {
    // A program that is not yet loaded has nothing to clear away, and would never hear of it.
    if (process.listenerCount("disconnect") === 0) kill();
    else setTimeout(kill, graceMs).unref();
  });
}
