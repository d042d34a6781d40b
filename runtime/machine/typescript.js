// Loads TypeScript without a build: the first thing that each program, process and thread of ours imports, and what `--import`
// names for all others. A thread does not inherit it.
import { register } from "node:module";

register("./typescript-hooks.js", import.meta.url);

// Lines of the source in stack traces, which are for those who look into a defect; each module takes longer to load with them.
if (process.env["CNNT_EDGE_DEBUG"] !== undefined) process.setSourceMapsEnabled(true);
