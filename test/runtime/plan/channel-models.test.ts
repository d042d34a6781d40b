import assert from "node:assert/strict";
import { test } from "node:test";
import type { Acquisition } from "../../../core/acquisition.ts";
import { channelModels } from "../../../runtime/plan/channel-models.ts";

const acquisition: Acquisition = {
  file: "a.tif",
  members: ["a.tif"],
  series: 0,
  seriesCount: 1,
  make: "OME-TIFF",
  axes: "CYX",
  shape: [3, 4, 4],
  sizes: { t: 1, c: 3, z: 1, y: 4, x: 4 },
  sampleType: "uint16",
  pixelSize: {},
  channels: [{ name: "DAPI" }, { name: "BF" }, {}],
  compression: "none",
  byteOrder: "little",
  original: { kind: "none" },
  notes: [],
};

test("finds a channel's model by its name, then its number, then the default", () => {
  const byChannel = { BF: "pass", "2": "models/c" };
  assert.deepEqual(channelModels({ default: "models/a", byChannel }, acquisition), [
    "models/a",
    "pass",
    "models/c",
  ]);
});

test("refuses a name that no channel has, and says which there are", () => {
  assert.throws(() => channelModels({ default: "models/a", byChannel: { bf: "pass" } }, acquisition), {
    code: "channel-unknown",
    found: "bf",
    allowed: "0 (DAPI), 1 (BF), 2",
    remedy: "Did you mean BF? `cnnt-edge info` shows the channels of a file",
  });
});
