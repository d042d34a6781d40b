// A thread that ends its process when the parent is gone, for a program whose main thread may be blocked in native code
// for ever. A process that lost its parent has another one.
import { workerData } from "node:worker_threads";

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
}, 1000);
