import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../watcher/running-daemon.ts";

/** One fenced block of a page, as a reader would copy it. */
export interface FencedBlock {
  /** Relative to the repository. */
  readonly page: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** What stands behind the opening fence: `sh`, `yaml`, or nothing. */
  readonly language: string;
  readonly lines: readonly string[];
}

/** README and every page that people read, relative to the repository. */
export const pages: readonly string[] = [
  "README.md",
  ...["docs", "export", "models", "container"].flatMap((folder) => pagesBelow(folder)),
].sort();

function pagesBelow(folder: string): string[] {
  if (!existsSync(join(repository, folder))) return [];
  return (
    readdirSync(join(repository, folder), { withFileTypes: true, recursive: true })
      // The card is a page where it ends up: models/default/README.md.
      .filter((entry) => entry.isFile() && entry.name.endsWith(".md") && entry.name !== "default-card.md")
      .map((entry) => join(entry.parentPath, entry.name).slice(repository.length + 1))
  );
}

export function pageText(page: string): string {
  return readFileSync(join(repository, page), "utf8");
}

/** The fenced blocks of a page, in their order. */
export function fencedBlocks(page: string): FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let open: { line: number; language: string; lines: string[] } | undefined;
  for (const [index, text] of pageText(page).split("\n").entries()) {
    const fence = /^\s*```(\S*)/.exec(text);
    if (fence === null) open?.lines.push(text);
    else if (open === undefined) open = { line: index + 1, language: fence[1] ?? "", lines: [] };
    else {
      blocks.push({ page, ...open });
      open = undefined;
    }
  }
  return blocks;
}

/** The commands of a block: comments and empty lines left out, lines that end in a backslash joined. */
export function commandsOf(block: FencedBlock): string[] {
  const joined = block.lines.join("\n").replaceAll(/\\\n\s*/g, "");
  return joined
    .split("\n")
    .map((line) => line.replace(/\s+#.*$/, "").trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
