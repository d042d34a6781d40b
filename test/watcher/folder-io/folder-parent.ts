/** A parent of a folder's process, for a test that kills it: prints that process's number once it has swept. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../../runtime/worker/connect.ts";
import { startProcess } from "../../../runtime/worker/process-channel.ts";
import type { DaemonDuties, FolderDuties } from "../../../watcher/folder-io/protocol.ts";
import { noMemory, quickFolder } from "./quick-folder.ts";

const root = process.argv[2] ?? "";
mkdirSync(join(root, "in"));
const child = startProcess(new URL("../../../watcher/folder-io/child.ts", import.meta.url), {
  stderr: "inherit",
});
const folder = connect<FolderDuties, DaemonDuties>(child, {
  atWork: () => undefined,
  finding: () => true,
  swept: () => void process.stdout.write(`${child.pid}\n`),
  unreachable: () => undefined,
});
folder.tell("start", {
  settings: quickFolder(join(root, "in"), join(root, "out"), 100),
  memory: noMemory,
});
