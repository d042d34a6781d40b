// Loaded before anything else in each process of ours: SIGUSR1 would open Node's debugging port, by which another program
// of this machine's users could make the process run what it likes. Plain JavaScript, because the seconds in which tsx and
// the program are loaded count too. Node 20 has no `--disable-sigusr1`.
import { isMainThread } from "node:worker_threads";

// A listener takes the place of Node's own. Threads get no signals.
if (isMainThread) process.on("SIGUSR1", () => undefined);
