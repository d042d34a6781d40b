import { fileURLToPath } from "node:url";

/** The package that came with cnnt-edge: a fresh clone denoises at once. */
export const shippedModel = fileURLToPath(new URL("../models/default", import.meta.url));
