// Reads each attack in this process: a line of JSON for each as it ends. A crash is told by the lines that are missing.
// usage: node --import tsx test/hostile/read-attacks.ts SCRATCH
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeError, isEdgeError } from "../../core/errors.ts";
import { attacks } from "./attacks.ts";
import { readNetwork } from "./read-network.ts";

const file = join(process.argv[2] ?? ".", "attack");
for (const { name, bytes } of attacks) {
  writeFileSync(file, bytes());
  const { error, ms, peakMb } = await readNetwork(file);
  const code = isEdgeError(error) ? error.code : String(error);
  const line = error === undefined ? "" : describeError(error);
  console.log(JSON.stringify({ name, code, ms, peakMb, lineLength: line.length }));
}
