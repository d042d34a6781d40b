import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { counted } from "../../core/counted.ts";
import { usageError } from "../../core/errors.ts";
import { naturally } from "../../core/natural-order.ts";
import { isImageName } from "../../formats/image-name.ts";

/** Two files of one field: as the model will see it, and as it should become. */
export interface ImagePair {
  readonly name: string;
  readonly noisy: string;
  readonly clean: string;
}

/** What people call the two; a name holds one of them as a word: `cell3-noisy.tif`, `low/cell3.tif`. */
const words: readonly (readonly [noisy: string, clean: string])[] = [
  ["noisy", "clean"],
  ["low", "high"],
  ["raw", "gt"],
  ["input", "target"],
];

const maxDepth = 4;

/**
 * The pairs in a folder, also in folders inside it: names that differ only in the word, `NAME-noisy.tif` beside
 * `NAME-clean.tif`, or `noisy/NAME.tif` and `clean/NAME.tif`. Nothing is paired by order.
 * Throws `EdgeError` (`usage`) where a file has no partner, or no pair is there.
 */
export async function findPairs(dir: string): Promise<ImagePair[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true }).catch((cause: unknown) => {
    throw usageError("the folder of pairs cannot be read", { code: "pairs-missing", file: dir, cause });
  });
  const files = entries
    .filter((entry) => entry.isFile() && isImageName(entry.name))
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((file) => file.split("/").length <= maxDepth);
  return pairNames(files, dir).map(({ name, noisy, clean }) => ({
    name,
    noisy: join(dir, noisy),
    clean: join(dir, clean),
  }));
}

/** As `findPairs`, on names relative to the folder. */
export function pairNames(files: readonly string[], dir: string): ImagePair[] {
  const all = new Set(files);
  const pairs: ImagePair[] = [];
  for (const file of [...files].sort(naturally.compare)) {
    const split = splitAtWord(file);
    if (split === undefined) continue;
    const partner = `${split.before}${split.partner}${split.after}`;
    if (!all.has(partner)) {
      throw usageError("an image has no partner", {
        code: "pairs-partner",
        file: join(dir, file),
        allowed: `${partner} beside it`,
        remedy: "Add it, or take this one out of the folder",
      });
    }
    if (split.side === "noisy") pairs.push({ name: nameOf(split), noisy: file, clean: partner });
  }
  if (pairs.length > 0) return pairs;
  throw usageError("no pairs of noisy and clean images are in the folder", {
    code: "pairs-none",
    file: dir,
    found: `${counted(files.length, "image")}`,
    allowed: "NAME-noisy.tif beside NAME-clean.tif, or noisy/NAME.tif and clean/NAME.tif (also low and high)",
    remedy: "Rename the files in this way",
  });
}

interface SplitName {
  readonly side: "noisy" | "clean";
  readonly before: string;
  readonly partner: string;
  readonly after: string;
}

function splitAtWord(file: string): SplitName | undefined {
  for (const [noisy, clean] of words) {
    const match = new RegExp(`^(.*?)(?<![a-z0-9])(${noisy}|${clean})(?![a-z0-9])(.*)$`, "i").exec(file);
    const [, before = "", word = "", after = ""] = match ?? [];
    if (match === null) continue;
    const isNoisy = word.toLowerCase() === noisy;
    return {
      side: isNoisy ? "noisy" : "clean",
      before,
      partner: inCaseOf(word, isNoisy ? clean : noisy),
      after,
    };
  }
  return undefined;
}

/** `Noisy` has its partner in `Clean`, `NOISY` in `CLEAN`. */
function inCaseOf(word: string, partner: string): string {
  if (word === word.toUpperCase()) return partner.toUpperCase();
  const first = word[0] ?? "";
  return first === first.toUpperCase() ? `${partner[0]?.toUpperCase()}${partner.slice(1)}` : partner;
}

/** `a/cell-noisy.ome.tif` is the pair `a/cell`, `noisy/cell.tif` the pair `cell`. */
function nameOf({ before, after }: SplitName): string {
  const stem = after.replace(/\.(ome\.)?[^./]+$/i, "");
  const joined = `${before.replace(/[-_. /]+$/, "")}/${stem.replace(/^[-_. /]+/, "")}`;
  return joined.replace(/^\/|\/$/g, "");
}
