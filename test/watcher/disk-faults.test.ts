import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { ownMounts, withoutOwnMounts } from "../own-mounts.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** For `skip`: a disk that hangs and is lost at will needs FUSE, which this user may mount in a namespace of its own. */
function withoutFuse(): string | false {
  try {
    closeSync(openSync("/dev/fuse", "r+"));
  } catch {
    return "needs /dev/fuse, and the right to open it";
  }
  return withoutOwnMounts("/mnt");
}

test("of a disk that hangs, is lost, is unmounted and comes back the folder tells which it is; another folder goes on meanwhile, and each file is done once", {
  skip: withoutFuse(),
}, async () => {
  const program = join(import.meta.dirname, "disk-faults-program.ts");
  const command = [
    process.execPath,
    "--import",
    import.meta.resolve("tsx"),
    program,
    await temporaryFolder(),
  ];
  const child = spawn("unshare", [...ownMounts, ...command], { stdio: ["ignore", "pipe", "pipe"] });
  const [said, problem, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  assert.equal(code, 0, said + problem);
});
