/**
 * Opens the file named on the command line and prints, as JSON, what that holds in memory after garbage collection,
 * and the first sample of its last plane. A program of its own: node:test slows promises down tenfold.
 */
import { setImmediate } from "node:timers/promises";
import { openAcquisition } from "../../../formats/open.ts";

async function heldBytes(): Promise<number> {
  await setImmediate();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const file = process.argv[2] ?? "";
// Once before, so that modules and compiled code are not counted.
await (await openAcquisition(file)).close();
const before = await heldBytes();
const source = await openAcquisition(file);
const held = (await heldBytes()) - before;
const { sizes } = source.acquisition;
const samples = await source.readPlane({ t: sizes.t - 1, c: sizes.c - 1, z: sizes.z - 1 });
await source.close();
process.stdout.write(JSON.stringify({ held, z: sizes.z, last: samples[0] }));
