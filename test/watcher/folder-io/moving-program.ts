import type { MoveOrder } from "../../../watcher/folder-io/move-members.ts";
import { moveSource } from "../../../watcher/folder-io/move-source.ts";
import { setAside } from "../../../watcher/folder-io/set-aside.ts";
import { beforeEachCall, refusedLink } from "./before-each-call.ts";

/**
 * Moves a source and is killed after so many steps, or sets a file aside and is killed then, or stops the first of
 * `orders` before its first call of the file system, the second before its second call, …, and is killed then. The order
 * is the first argument, as JSON.
 */
const { order, steps, aside, orders, links } = JSON.parse(process.argv[2] ?? "") as {
  order?: MoveOrder;
  steps?: number;
  aside?: string;
  orders?: MoveOrder[];
  links?: boolean;
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
for (const [index, one] of (orders ?? []).entries()) {
  await new Promise<void>((resolve, reject) => {
    const restore = beforeEachCall(({ number, name }) => {
      if (links === false && name === "link") throw refusedLink();
      if (number <= index) return;
      restore();
      resolve();
      return new Promise(() => undefined);
    });
    moveSource(one, () => undefined)
      .finally(restore)
      .then(() => resolve(), reject);
  });
}
if (orders !== undefined) process.kill(process.pid, "SIGKILL");
