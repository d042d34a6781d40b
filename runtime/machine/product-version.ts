import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

function versionIn(file: string | URL): string {
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** What stands in package.json. */
export const productVersion: string = versionIn(new URL("../../package.json", import.meta.url));

/** Of the ONNX Runtime, without loading its native library. */
export function onnxRuntimeVersion(): string {
  return versionIn(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
}
