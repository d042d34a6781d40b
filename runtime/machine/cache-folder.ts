import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Ours below the cache folder of the XDG base directories: everything in it may be deleted at any time. By that
 * specification a relative path is to be ignored.
 */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  const cache = env["XDG_CACHE_HOME"];
  return join(cache?.startsWith("/") ? cache : join(homedir(), ".cache"), "cnnt-edge");
}
