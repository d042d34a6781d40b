import { createHash } from "node:crypto";
import type { ModelPackage } from "../../core/package-settings.ts";

/** Stands for everything of a package that decides a result, and for what the result says of it. */
export type ModelIdentity = string;

/** Two packages of one identity compute the same and are called the same, wherever they lie. */
export function modelIdentity(model: ModelPackage): ModelIdentity {
  const { name, version, modelSha256, inputName, outputName, settings, zoo } = model;
  const stated = { name, version, modelSha256, inputName, outputName, settings, zoo };
  return createHash("sha256").update(JSON.stringify(stated)).digest("hex");
}
