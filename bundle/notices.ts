import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string().optional(),
  homepage: z.string().optional(),
});

/**
 * The text that names every part that is not ours, its version and licence, with the licence's text where the package
 * brings one. `packages` are folders with a package.json, relative to `root`.
 */
export async function noticesOf(root: string, packages: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const folder of packages) {
    const path = join(root, folder);
    const facts = packageSchema.parse(JSON.parse(await readFile(join(path, "package.json"), "utf8")));
    const head = [`${facts.name} ${facts.version}`, `Licence: ${facts.license ?? "not stated"}`];
    if (facts.homepage !== undefined) head.push(facts.homepage);
    const names = (await readdir(path)).filter((name) => /^(licen[sc]e|copying|notice)/i.test(name)).sort();
    if (names.length === 0) head.push("The package brings no licence text.");
    const texts: string[] = [];
    for (const name of names) texts.push((await readFile(join(path, name), "utf8")).trim());
    parts.push([head.join("\n"), ...texts].join("\n\n"));
  }
  return `${parts.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
