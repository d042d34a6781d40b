import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { unsupportedError } from "../core/errors.ts";

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
  homepage: z.string().optional(),
  author: z.union([z.string(), z.object({ name: z.string() })]).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});

interface Part {
  readonly path: string;
  readonly facts: z.infer<typeof packageSchema>;
  /** Files of the package that are licences or notices, in alphabetical order. */
  readonly texts: readonly string[];
}

/** Texts in `licences/` that a licence consists of; the LGPL is a supplement to the GPL. */
const licenceTexts: Readonly<Record<string, readonly string[]>> = {
  MIT: ["MIT"],
  ISC: ["ISC"],
  "LGPL-3.0-or-later": ["LGPL-3.0", "GPL-3.0"],
};

/** Whom the files of a package name, where the author in its package.json is somebody else. */
const holders: Readonly<Record<string, string>> = {
  "onnxruntime-common": "Microsoft Corporation",
  "onnxruntime-node": "Microsoft Corporation",
};

/**
 * The text that names every part that is not ours, its version and licence, with the licence's text: the package's
 * own; else that of the package whose build for one platform it is; else the general text of its licence. `packages`
 * are folders with a package.json, relative to `root`.
 * Throws `EdgeError` (`unsupported`, `bundle-licence-missing`) where there is none of them.
 */
export async function noticesOf(root: string, packages: readonly string[]): Promise<string> {
  const parts: Part[] = [];
  for (const folder of packages) parts.push(await readPart(join(root, folder)));
  const notices: string[] = [];
  for (const part of parts) {
    const { name, version, license, homepage } = part.facts;
    const head = [`${name} ${version}`, `Licence: ${license ?? "not stated"}`];
    if (homepage !== undefined) head.push(homepage);
    notices.push([head.join("\n"), ...(await textsFor(part, parts))].join("\n\n"));
  }
  return `${notices.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}

async function readPart(path: string): Promise<Part> {
  const facts = packageSchema.parse(JSON.parse(await readFile(join(path, "package.json"), "utf8")));
  const names = (await readdir(path)).filter((name) => /^(licen[sc]e|copying|notice)/i.test(name)).sort();
  const texts: string[] = [];
  for (const name of names) texts.push((await readFile(join(path, name), "utf8")).trim());
  return { path, facts, texts };
}

async function textsFor({ path, facts, texts }: Part, all: readonly Part[]): Promise<string[]> {
  if (texts.length > 0) return [...texts];
  const whole = all.find(
    (part) =>
      part.texts.length > 0 &&
      part.facts.optionalDependencies?.[facts.name] !== undefined &&
      part.facts.license === facts.license,
  );
  if (whole !== undefined) {
    return [`The package brings no licence text. It is a part of ${whole.facts.name}, with:`, ...whole.texts];
  }
  return generalTexts(path, facts);
}

async function generalTexts(path: string, facts: Part["facts"]): Promise<string[]> {
  const files = licenceTexts[facts.license ?? ""];
  if (files === undefined) {
    throw unsupportedError("a package of the archive has no licence text", {
      code: "bundle-licence-missing",
      file: path,
      found: `licence ${facts.license ?? "not stated"}`,
      allowed: Object.keys(licenceTexts).join(", "),
      remedy: "Add the text to bundle/licences/ and name it in bundle/notices.ts",
    });
  }
  const author = typeof facts.author === "object" ? facts.author.name : facts.author;
  const texts = [
    `The package brings no licence text. That of ${facts.license}:`,
    `Copyright (c) ${holders[facts.name] ?? author ?? `the authors of ${facts.name}`}`,
  ];
  for (const name of files) {
    const file = join(import.meta.dirname, "licences", `${name}.txt`);
    texts.push((await readFile(file, "utf8")).trim());
  }
  return [...texts, ...(await licenceSection(path))];
}

/** What the package's README says of licences, for example those of the libraries that it was linked with. */
async function licenceSection(path: string): Promise<string[]> {
  const readme = await readFile(join(path, "README.md"), "utf8").catch(() => "");
  const section = /^## Licen[sc](?:e|ing)\n(.*?)(?=^#|$(?![\s\S]))/ms.exec(readme)?.[1]?.trim();
  return section === undefined ? [] : [`From its README:\n\n${section}`];
}
