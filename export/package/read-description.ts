import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type CST, Lexer, Parser, parseDocument } from "yaml";
import { type EdgeError, formatError, usageError } from "../../core/errors.ts";
import { fileInPackage } from "./package-files.ts";

/**
 * What a description may cost. Those of the zoo have some hundred lines; a map of many keys takes time by the square
 * of their number, and a list in a list in a list takes stack.
 */
const descriptionLimits = {
  bytes: 1 << 20,
  /** Words, marks and spaces, as YAML's lexer tells them apart. */
  pieces: 30_000,
  keysOfOneMap: 2_000,
  nesting: 64,
  /** Descriptions may repeat a part by reference, but not grow beyond measure by it. */
  aliases: 100,
} as const;

/** Names under which a description lies in a folder; ours is the first. */
const descriptionNames = ["rdf.yaml", "bioimageio.yaml", "model.yaml"];

/**
 * Finds and parses the description in a package's folder, within `descriptionLimits`. Throws `EdgeError`: `usage` where
 * there is no such folder, `format` for anything wrong in it.
 */
export async function readDescription(
  dir: string,
): Promise<{ readonly stated: unknown; readonly file: string }> {
  const facts = await stat(dir).catch(() => undefined);
  if (facts === undefined || !facts.isDirectory()) {
    throw usageError("there is no such model folder", {
      code: "package-missing",
      file: dir,
      remedy:
        facts === undefined
          ? "Name a folder made by `cnnt-edge export`; the shipped ones are in `models` of the installation"
          : "A model from bioimage.io comes as .zip: unpack it and name the folder",
    });
  }
  const file = await descriptionIn(dir);
  const text = await readFile(file, "utf8");
  refuseGrowth(text, file);
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw formatError("the model description is not valid YAML", {
      code: "package-rdf-yaml",
      file,
      found: problem.message.split("\n")[0] ?? "",
      remedy: "Export the package again, or copy it again from where it came",
    });
  }
  try {
    return { stated: document.toJS({ maxAliasCount: descriptionLimits.aliases }), file };
  } catch (cause) {
    throw formatError("the model description refers to itself too often", {
      code: "package-rdf-yaml",
      file,
      found: cause instanceof Error ? cause.message : String(cause),
      allowed: `at most ${descriptionLimits.aliases} repeated parts for each reference`,
      remedy: "Write the repeated parts out",
      cause,
    });
  }
}

/** Whether a folder claims to be a package; `readPackage` says whether it is one. */
export async function holdsDescription(dir: string): Promise<boolean> {
  const found = await Promise.all(
    descriptionNames.map((name) => stat(join(dir, name)).catch(() => undefined)),
  );
  return found.some((facts) => facts?.isFile() === true);
}

async function descriptionIn(dir: string): Promise<string> {
  for (const name of descriptionNames) {
    const file = await fileInPackage(dir, name);
    if (file === undefined) continue;
    const { size } = await stat(file);
    if (size > descriptionLimits.bytes) {
      throw tooMuch(file, `${size} bytes`, `at most ${descriptionLimits.bytes}`);
    }
    return file;
  }
  throw formatError("the folder holds no model description (rdf.yaml)", {
    code: "package-no-rdf",
    file: dir,
    remedy: "Name a folder made by `cnnt-edge export`, or an unpacked model from bioimage.io",
  });
}

/** Counts what the text holds before anything is made of it. */
function refuseGrowth(text: string, file: string): void {
  const { pieces, keysOfOneMap, nesting } = descriptionLimits;
  let count = 0;
  for (const _ of new Lexer().lex(text)) {
    count += 1;
    if (count > pieces) throw tooMuch(file, `more than ${pieces} words and marks`, `at most ${pieces}`);
  }
  const open: { readonly token: CST.Token; readonly depth: number }[] = [];
  for (const token of new Parser().parse(text)) open.push({ token, depth: 0 });
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (depth > nesting) throw tooMuch(file, `more than ${nesting} levels`, `at most ${nesting}`);
    if (token.type === "document" && token.value !== undefined) open.push({ token: token.value, depth });
    if (!("items" in token)) continue;
    if (token.items.length > keysOfOneMap) {
      throw tooMuch(file, `${token.items.length} entries in one place`, `at most ${keysOfOneMap}`);
    }
    for (const { key, value } of token.items) {
      if (key != null) open.push({ token: key, depth: depth + 1 });
      if (value != null) open.push({ token: value, depth: depth + 1 });
    }
  }
}

function tooMuch(file: string, found: string, allowed: string): EdgeError {
  return formatError("the model description is larger than is allowed", {
    code: "package-rdf-size",
    file,
    found,
    allowed,
    remedy: "Leave out of the description what is not part of the model",
  });
}
