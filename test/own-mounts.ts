import { spawnSync } from "node:child_process";

/** Arguments of unshare for a mount namespace of its own, in which an ordinary user may mount. */
export const ownMounts = ["-U", "-r", "-m"] as const;

/** For `skip` of a test that mounts a disk at `folder` in such a namespace; not every system allows that. */
export function withoutOwnMounts(folder: string): string | false {
  const { status } = spawnSync("unshare", [...ownMounts, "mount", "-t", "tmpfs", "none", folder]);
  return status === 0 ? false : "needs unshare and user namespaces";
}
