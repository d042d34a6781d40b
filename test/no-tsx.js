// Stands for tsx in what `compile.js` compiled: there is no TypeScript left to load. But Node ignores NODE_OPTIONS, and
// with it `start-compiled.cjs`, in a process that runs with other rights than its user's (`withoutRoot`).
import Module from "node:module";

if (Module.runMain.name !== "runCompiled") await import("tsx/esm");

export const register = () => undefined;
