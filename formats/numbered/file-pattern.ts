import { isTiffName } from "../tiff/tiff-name.ts";

/**
 * How the files of one acquisition are named: `{name}_T{t}_C{c}.tif`. `{t}`, `{c}`, `{z}` are numbers, with or without leading
 * zeros; `{s}` is the number of a position and `{name}` any text: files that differ in these are different acquisitions. `{i}` is a
 * number that says nothing, as one that counts all files. Pure.
 */
export interface FilePattern {
  readonly template: string;
  /** How many numbers each axis has, where that is known: then no more files are waited for. */
  readonly sizes?: Partial<Readonly<Record<NumberedAxis, number>>>;
}

export const numberedAxes = ["t", "c", "z"] as const;
/** Slowest first: the order of the files of an acquisition. */
export type NumberedAxis = (typeof numberedAxes)[number];

/** A file that a pattern fits. */
export interface NumberedFile {
  /** Path as given, or below the watch folder. */
  readonly file: string;
  /** What tells its acquisition from others of the same folder. */
  readonly acquisition: string;
  /** As its name states them; 0 where the pattern has no such axis. */
  readonly numbers: Readonly<Record<NumberedAxis, number>>;
  /** What stands in its name for each placeholder. */
  readonly written: Readonly<Record<string, string>>;
}

const placeholders = [...numberedAxes, "s", "i", "name"];
/** Longer rows of digits are dates or serial numbers. */
const mostDigits = 9;

/** Why a template is none, as a sentence; undefined where it is one. */
export function templateProblem(template: string): string | undefined {
  const parts = partsOf(template);
  const names = parts.flatMap((part) => ("placeholder" in part ? [part.placeholder] : []));
  const texts = parts.flatMap((part) => ("text" in part ? [part.text] : []));
  const unknown = names.find((name) => !placeholders.includes(name));
  if (unknown !== undefined)
    return `{${unknown}} is no placeholder; there are {name}, {t}, {c}, {z}, {s} and {i}`;
  if (texts.some((text) => /[{}]/.test(text))) return "a bracket of the pattern has no partner";
  if (texts.some((text) => /[/\\\0]/.test(text)))
    return "the pattern is for the name of a file, without a folder";
  if (new Set(names).size < names.length) return "the pattern has a placeholder twice";
  if (!numberedAxes.some((axis) => names.includes(axis))) return "the pattern needs {t}, {c} or {z}";
  const last = parts.at(-1);
  if (last === undefined || !("text" in last) || !isTiffName(last.text))
    return "the pattern must end as the names of TIFFs do, as .tif";
  const touching = parts.some((part, index) => {
    const next = parts[index + 1];
    return (
      next !== undefined && "placeholder" in part && "placeholder" in next && part.placeholder !== "name"
    );
  });
  return touching
    ? "in the pattern, text must stand between a number and the placeholder after it"
    : undefined;
}

/** The axes that a template counts, slowest first. */
export function axesOf(template: string): readonly NumberedAxis[] {
  return numberedAxes.filter((axis) => template.includes(`{${axis}}`));
}

/** Reads names as `template` says; undefined for one that it does not fit. The ending may be in upper or lower case. */
export function nameReader(template: string): (file: string) => NumberedFile | undefined {
  const source = partsOf(template).map((part, index, all) => {
    if ("text" in part) return index === all.length - 1 ? anyCase(part.text) : literally(part.text);
    // The shortest name: all digits before the next text belong to the number.
    return part.placeholder === "name" ? "(?<name>.+?)" : `(?<${part.placeholder}>[0-9]{1,${mostDigits}})`;
  });
  const whole = new RegExp(`^${source.join("")}$`, "s");
  return (file) => {
    const slash = file.lastIndexOf("/") + 1;
    const written = whole.exec(file.slice(slash))?.groups;
    if (written === undefined) return undefined;
    return {
      file,
      acquisition: JSON.stringify([file.slice(0, slash), written["name"] ?? "", Number(written["s"] ?? 0)]),
      numbers: { t: Number(written["t"] ?? 0), c: Number(written["c"] ?? 0), z: Number(written["z"] ?? 0) },
      written,
    };
  };
}

/** The name that a file with other numbers has beside `file`, with `*` for what cannot be known; each number with at least so many digits as `digits` says. */
export function nameOf(
  template: string,
  { written }: Pick<NumberedFile, "written">,
  numbers: NumberedFile["numbers"],
  digits: NumberedFile["numbers"],
): string {
  return partsOf(template)
    .map((part) => {
      if ("text" in part) return part.text;
      const axis = numberedAxes.find((one) => one === part.placeholder);
      if (axis !== undefined) return String(numbers[axis]).padStart(digits[axis], "0");
      return part.placeholder === "i" ? "*" : (written[part.placeholder] ?? "");
    })
    .join("");
}

type TemplatePart = { readonly text: string } | { readonly placeholder: string };

function partsOf(template: string): TemplatePart[] {
  return template
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== "")
    .map((part) => (/^\{[^{}]*\}$/.test(part) ? { placeholder: part.slice(1, -1) } : { text: part }));
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Of the last text, what stands after its last dot but one is the ending: `_raw.OME.TIF`. */
function anyCase(text: string): string {
  const ending = /(\.ome)?\.[a-z0-9]+$/i.exec(text)?.[0] ?? "";
  const letters = [...ending].map((letter) =>
    /[a-z]/i.test(letter) ? `[${letter.toLowerCase()}${letter.toUpperCase()}]` : literally(letter),
  );
  return literally(text.slice(0, text.length - ending.length)) + letters.join("");
}
