import { readFileSync } from "node:fs";

/** The version in package.json: printed by --version, written into results and packages. */
export const productVersion: string = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }
).version;
