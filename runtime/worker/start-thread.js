// A thread cannot start from TypeScript, and does not inherit that its process can load it.
import "../machine/typescript.js";

await import(process.argv[2]);
