import { isMainThread } from "node:worker_threads";
import { machineError } from "../../core/errors.ts";

/**
 * ONNX Runtime 1.30 tells its maker of every session unless this variable is set when its library is loaded: it keeps a
 * device ID and a database of events below the user's cache folder, and asks for the maker's address. The binding has
 * no call for it. Imported before the binding (`onnx-runtime.ts`), and by whoever starts a thread that loads it.
 */
const variable = "ORT_DISABLE_TELEMETRY";

if (isMainThread) process.env[variable] = "1";
// A worker's own copy of the environment never reaches the library, so nothing can be mended here.
else if (process.env[variable] !== "1") {
  throw machineError("the ONNX Runtime would be loaded with its telemetry on", {
    code: "telemetry-on",
    found: `${variable}=${process.env[variable] ?? ""}`,
    remedy: "Set it before the thread is started",
  });
}
