/** A parent of a folder's process, for a test that kills it: prints that process's number once it has swept. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { forkProgram } from "../../../runtime/worker/process-channel.ts";
import type { FromFolder, ToFolder } from "../../../watcher/folder-io/protocol.ts";
import { noMemory, quickFolder } from "./quick-folder.ts";

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
  settings: quickFolder(join(root, "in"), join(root, "out"), 100),
  memory: noMemory,
} satisfies ToFolder);
