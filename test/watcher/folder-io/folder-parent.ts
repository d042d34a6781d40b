/** A parent of a folder's process, for a test that kills it: prints that process's number once it has swept. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { forkProgram } from "../../../runtime/fork-program.ts";
import type { FromFolder, ToFolder } from "../../../watcher/folder-io/protocol.ts";

const root = process.argv[2] ?? "";
mkdirSync(join(root, "in"));
const child = forkProgram(new URL("../../../watcher/folder-io/child.ts", import.meta.url), {
  stderr: "inherit",
});
child.on("message", ({ kind }: FromFolder) => {
  if (kind === "swept") process.stdout.write(`${child.pid}\n`);
});
child.send({
  kind: "start",
  settings: {
    path: join(root, "in"),
    output: join(root, "out"),
    moveTo: undefined,
    access: {},
    makePath: false,
    subfolders: true,
    ignore: [],
    quietMs: 100,
    looks: 2,
    zeroTailMs: 60_000,
    brokenMs: 60_000,
    sweepMs: 100,
  },
  memory: { known: [], waiting: [], mountPoint: undefined, outputMountPoint: undefined },
} satisfies ToFolder);
