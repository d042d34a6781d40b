import { type MoveOrder, moveSource } from "../../../watcher/folder-io/move-source.ts";
import { setAside } from "../../../watcher/folder-io/set-aside.ts";

/**
 * Moves a source and is killed after so many steps, or sets a file aside and is killed then. The order is the first
 * argument, as JSON.
 */
const { order, steps, aside } = JSON.parse(process.argv[2] ?? "") as {
  order?: MoveOrder;
  steps?: number;
  aside?: string;
};
if (aside !== undefined) {
  await setAside(aside);
  process.kill(process.pid, "SIGKILL");
}
let left = steps ?? 0;
if (order !== undefined) {
  await moveSource(order, () => {
    left -= 1;
    if (left === 0) process.kill(process.pid, "SIGKILL");
  });
}
