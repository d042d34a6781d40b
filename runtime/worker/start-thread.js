// A thread does not inherit tsx, and cannot start from TypeScript: this registers tsx first, then loads the program.
import { register } from "tsx/esm/api";

register();
await import(process.argv[2]);
