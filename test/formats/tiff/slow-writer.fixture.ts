// Writes a result of many planes slowly to the path given as argument, until somebody ends it.
import { setTimeout as delay } from "node:timers/promises";
import { createOmeTiff } from "../../../formats/tiff/ome-tiff-sink.ts";
import { acquisitionOf } from "./acquisition.fixture.ts";

const acquisition = acquisitionOf({ t: 1000, c: 1, z: 1, y: 64, x: 64 }, "uint16");
const sink = await createOmeTiff(process.argv[2] ?? "", { acquisition, sampleType: "uint16" });
for (let t = 0; t < 1000; t += 1) {
  await sink.write({ t, c: 0, z: 0, samples: new Uint16Array(64 * 64) });
  if (t === 2) process.send?.("writing");
  await delay(20);
}
