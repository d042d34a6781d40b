/** What `node --import` needs to run TypeScript. */
export const typescript = new URL("../runtime/machine/typescript.js", import.meta.url).href;
