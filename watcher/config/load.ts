import { isMap, isNode, LineCounter, type Node, parseDocument } from "yaml";
import type { z } from "zod";
import { isAbsent, isEdgeError, machineError, systemCode, usageError } from "../../core/errors.ts";
import { nearestName } from "../../core/nearest-name.ts";
import { readNamedFile } from "../../formats/file/named-file.ts";
import { optionsAt } from "./options-at.ts";
import { configSchema, type WrittenConfig } from "./schema.ts";

/** A configuration that is longer than this is none (bytes). */
const largestConfigBytes = 64 * 1024;
/** More problems than these are counted. */
const mostProblems = 20;

/**
 * Reads and checks a configuration file. Throws `EdgeError`: `usage` that names every problem with its line, also where there is
 * no file; `machine` where the system does not give what lies there.
 */
export async function loadConfig(file: string): Promise<WrittenConfig> {
  const bytes = await readNamedFile(file, largestConfigBytes).catch((cause: unknown) => {
    if (isEdgeError(cause)) throw cause;
    // As a wrong option: a service that is started again and again finds no file either.
    if (isAbsent(cause)) {
      throw usageError("there is no such configuration", {
        code: "config-missing",
        file,
        remedy: "Check the path given with --config",
        cause,
      });
    }
    throw machineError("the configuration cannot be read", {
      code: "config-unreadable",
      file,
      found: systemCode(cause) ?? "an unknown error",
      remedy: "Check the path given with --config, and that you may read the file",
      cause,
    });
  });
  return parseConfig(bytes.toString("utf8"), file);
}

/** `file` is only named in messages. */
export function parseConfig(text: string, file: string): WrittenConfig {
  const lines = new LineCounter();
  // Channel indices are written as numbers; aliases are bounded against documents that unfold for ever.
  const document = parseDocument(text, { lineCounter: lines, stringKeys: false });
  const placeAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `line ${line}, column ${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      (error) =>
        `${placeAt(error.pos[0])}: ${firstLine(error.message).replace(/ at line \d+, column \d+:?$/, "")}`,
    );
    throw configError(file, problems, "config-not-yaml");
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw configError(
      file,
      [firstLine(cause instanceof Error ? cause.message : String(cause))],
      "config-not-yaml",
    );
  }
  const { config, issues } = checkConfig(value ?? {});
  if (config === undefined) {
    const problems = issues.flatMap((issue) =>
      explain(issue).map(({ path, key, text: what }) => {
        const offset = offsetOf(document.contents, path, key);
        return `${offset === undefined ? "" : `${placeAt(offset)}: `}${what}`;
      }),
    );
    throw configError(file, problems, "config-invalid");
  }
  const clashes = [...repeatedNames(config)].map((name) => `folders: two folders are named "${name}"`);
  if (clashes.length > 0) throw configError(file, clashes, "config-invalid");
  return config;
}

/** A configuration as a value, or everything that is wrong with it. */
export function checkConfig(
  value: unknown,
):
  | { readonly config: WrittenConfig; readonly issues?: undefined }
  | { readonly config?: undefined; readonly issues: readonly z.core.$ZodIssue[] } {
  const result = configSchema.safeParse(value);
  return result.success ? { config: result.data } : { issues: result.error.issues };
}

interface Problem {
  readonly path: readonly PropertyKey[];
  /** The key in the map at `path` that is wrong itself. */
  readonly key?: string;
  readonly text: string;
}

function explain(issue: z.core.$ZodIssue): Problem[] {
  const where = issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const near = nearestName(key, optionsAt(issue.path));
      const question = near === undefined ? "" : `; did you mean "${near}"?`;
      return { path: issue.path, key, text: `${where}there is no option "${key}"${question}` };
    });
  }
  const text = issue.code === "invalid_type" ? wrongType(issue) : issue.message;
  return [{ path: issue.path, text: `${where}${lowerFirst(text)}` }];
}

/** What the types are called in YAML. */
const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of options",
  null: "nothing",
};

function wrongType({ expected, message }: z.core.$ZodIssueInvalidType): string {
  const received = /expected \w+, received (\w+)$/.exec(message)?.[1];
  // The option has a sentence of its own.
  if (received === undefined) return message;
  if (received === "undefined") return "this option is missing";
  return `this must be ${typeNames[expected] ?? expected}, and it is ${typeNames[received] ?? received}`;
}

/** Where in the text `path` stands; the nearest ancestor's place where it is missing. */
function offsetOf(contents: unknown, path: readonly PropertyKey[], key?: string): number | undefined {
  let node: unknown = contents;
  let offset: number | undefined;
  for (const step of [...path, ...(key === undefined ? [] : [key])]) {
    if (isNode(node)) offset = startOf(node) ?? offset;
    if (isMap(node)) {
      const pair = node.items.find((item) => isNode(item.key) && String(item.key) === String(step));
      if (pair === undefined) return offset;
      if (isNode(pair.key)) offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isNode(node) && "items" in node && Array.isArray(node.items)) {
      node = node.items[Number(step)];
      if (isNode(node)) offset = startOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: Node): number | undefined {
  return node.range?.[0];
}

function repeatedNames(config: WrittenConfig): Set<string> {
  const names = config.folders.map((folder) => folder.name);
  return new Set(names.filter((name, index) => names.indexOf(name) !== index));
}

function configError(file: string, problems: readonly string[], code: string) {
  const many =
    problems.length === 1
      ? "the configuration has a problem"
      : `the configuration has ${problems.length} problems`;
  const told = problems.slice(0, mostProblems).map((problem) => problem.slice(0, 500));
  const more = problems.length > told.length ? [`and ${problems.length - told.length} more`] : [];
  return usageError(`${many}: ${[...told, ...more].join("; ")}`, {
    code,
    file,
    remedy: "docs/configuration.md lists every option",
  });
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
