import { fileURLToPath } from "node:url";
import { Option } from "commander";

/** The package that came with cnnt-edge: a fresh clone denoises at once. */
export const shippedModel = fileURLToPath(new URL("../../models/default", import.meta.url));

/** `--model`, the shipped one where it is not given. */
export function modelOption(description: string): Option {
  return new Option("--model <package>", description).default(
    shippedModel,
    "the shipped one, models/default",
  );
}
