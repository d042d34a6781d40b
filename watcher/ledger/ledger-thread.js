// A worker thread does not inherit tsx: register it, then load the TypeScript half.
import { register } from "tsx/esm/api";

register();
await import("./ledger-thread.ts");
