// A worker thread cannot start from TypeScript; this registers tsx in it first.
import { register } from "tsx/esm/api";

register();
await import("./ort-worker.ts");
