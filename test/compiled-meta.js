import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** The `import.meta` of a source, for the module that it was compiled to (`compile.js`). */
export function metaOf(url) {
  const filename = fileURLToPath(url);
  return {
    url,
    filename,
    dirname: dirname(filename),
    resolve: (name) =>
      /^tsx(\/|$)/.test(name) ? new URL("./no-tsx.js", import.meta.url).href : import.meta.resolve(name),
  };
}
