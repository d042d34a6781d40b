// Preloaded by test/run.js in the tests' own processes, instead of tsx: their modules were compiled once for the whole run.
// What the product starts goes through tsx, as it does for its users.
import { register } from "node:module";

const compiled = new URL(import.meta.url).searchParams.get("compiled");
register("./typescript-hooks.js", import.meta.url, { data: compiled });
