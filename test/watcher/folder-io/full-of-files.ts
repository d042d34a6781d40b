import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFolderIo } from "../../../watcher/folder-io/host.ts";
import { noMemory, quickFolder } from "./quick-folder.ts";

/** On a disk that can hold few files: prints as JSON what a folder's process says of the room for results, full and not. */
const [disk = ""] = process.argv.slice(2);
const path = join(disk, "in");
const output = join(disk, "out");
mkdirSync(path);
mkdirSync(output);
const filler = (index: number): string => join(disk, `filler-${index}`);
let count = 0;
try {
  for (; ; count += 1) writeFileSync(filler(count), "");
} catch {
  // No more fit.
}
let onSwept = (): void => undefined;
const swept = new Promise<void>((resolve) => {
  onSwept = resolve;
});
const io = createFolderIo({
  settings: quickFolder(path, output, 60_000),
  events: {
    onFinding: async () => true,
    onSwept: () => onSwept(),
    onUnreachable: () => undefined,
    memory: async () => noMemory,
  },
});
io.start();
await swept;
const full = await io.ask("prepare", { into: output });
rmSync(filler(0));
const free = await io.ask("prepare", { into: output });
await io.stop();
process.stdout.write(JSON.stringify({ full: full.noFiles, free: free.noFiles }));
