import type { Message } from "../../../runtime/worker/duties.ts";

/** A folder process whose share hangs: it says that it begins, and nothing more. */
const atWork: Message = { kind: "tell", name: "atWork", value: true };
process.on("message", () => process.send?.(atWork));
setInterval(() => undefined, 1000);
