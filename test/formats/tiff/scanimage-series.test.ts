import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { readScanImageSeries } from "../../../formats/tiff/scanimage-series.ts";
import type { TiffFile } from "../../../formats/tiff/tiff-file.ts";

/** Settings of one channel and 10 frames, but for `change`. */
function software(change: Readonly<Record<string, string>> = {}): string {
  const settings = {
    VERSION_MAJOR: "2020",
    "hChannels.channelSave": "1",
    "hChannels.channelName": "{'red';'green';'far red'}",
    "hStackManager.enable": "false",
    "hStackManager.framesPerSlice": "10",
    "hStackManager.numSlices": "11",
    "hScan2D.logAverageFactor": "1",
    "hScan2D.logFramesPerFile": "Inf",
    "hRoiManager.pixelsPerLine": "512",
    "hRoiManager.linesPerFrame": "256",
    "hRoiManager.imagingFovUm": "[-256 -128;256 -128;256 128;-256 128]",
    "hRoiManager.scanFrameRate": "20",
    ...change,
  };
  return Object.entries(settings)
    .map(([key, value]) => `SI.${key} = ${value}`)
    .join("\n");
}

const stack = {
  "hStackManager.enable": "true",
  "hStackManager.actualNumSlices": "5",
  "hStackManager.actualStackZStepSize": "-2",
};
const fast = {
  ...stack,
  "hStackManager.stackMode": "'fast'",
  "hStackManager.numVolumes": "4",
  "hStackManager.numFramesPerVolume": "5",
};
const twoChannels = { "hChannels.channelSave": "[1;3]" };

/** Of a file of so many pages with these settings. */
function read(pages: number, change?: Readonly<Record<string, string>>) {
  const tiff = { file: "a.tif", pages: { count: pages } } as TiffFile;
  return readScanImageSeries(tiff, software(change)).facts;
}

function refusal(pages: number, change?: Readonly<Record<string, string>>): string {
  try {
    read(pages, change);
    return "not refused";
  } catch (error) {
    return describeError(error);
  }
}

test("channels run fastest; then the frames of a slice, the slices, the volumes", () => {
  for (const [pages, change, letters, lengths] of [
    [10, {}, "TZC", [10, 1, 1]],
    [20, twoChannels, "TZC", [10, 1, 2]],
    [14, { ...twoChannels, "hStackManager.framesPerSlice": "Inf" }, "TZC", [7, 1, 2]],
    [5, { "hScan2D.logAverageFactor": "2" }, "TZC", [5, 1, 1]],
    [10, { ...stack, ...twoChannels, "hStackManager.framesPerSlice": "1" }, "TZC", [1, 5, 2]],
    [30, { ...stack, ...twoChannels, "hStackManager.framesPerSlice": "3" }, "ZTC", [5, 3, 2]],
    [40, { ...fast, ...twoChannels, "hStackManager.numFramesPerVolumeWithFlyback": "5" }, "TZC", [4, 5, 2]],
  ] as const)
    assert.deepEqual(read(pages, change).stored, { letters, lengths }, JSON.stringify(change));
});

test("names of the saved channels, sizes, steps and the frame period are taken as they are stated", () => {
  const { channels, pixelSize, timeIncrement } = read(10, {
    ...stack,
    ...twoChannels,
    "hStackManager.framesPerSlice": "1",
  });
  assert.deepEqual(channels, [{ name: "red" }, { name: "far red" }]);
  assert.deepEqual([pixelSize?.x?.um, pixelSize?.y?.um, pixelSize?.z?.um], [1, 1, 2]);
  assert.equal(timeIncrement, undefined);
  assert.equal(read(5, { "hScan2D.logAverageFactor": "2" }).timeIncrement?.s, 0.1);
});

test("pages that the settings do not count wait, and what is not sure is refused", () => {
  assert.match(
    refusal(9),
    /others than its settings count \(found 9 pages; expected 10 times, 1 slices and 1 channels\)/,
  );
  assert.match(refusal(13, { ...twoChannels, "hStackManager.framesPerSlice": "Inf" }), /found 13 pages/);
  assert.match(refusal(10, { "hStackManager.framesPerSlice": "many" }), /found 10 pages/);
  assert.match(refusal(24, { ...fast, "hStackManager.numFramesPerVolumeWithFlyback": "6" }), /flyback/);
  assert.match(
    refusal(30, { ...stack, "hStackManager.framesPerSlice": "3", "hStackManager.actualNumVolumes": "2" }),
    /frames, slices and volumes/,
  );
  assert.match(refusal(10, { "hRoiManager.mroiEnable": "true" }), /several regions/);
  assert.match(refusal(10, { "hChannels.channelSave": "" }), /which channels/);
  const many = { "hStackManager.framesPerSlice": "Inf", "hScan2D.logFramesPerFile": "10" };
  assert.match(refusal(10, many), /one of several files/);
  assert.match(refusal(10, { "hStackManager.framesPerSlice": "1e9" }), /expected 1000000000 times/);
});

test("a field of any number of corners is read, and settings without end are refused by name", () => {
  const corners = (count: number) => ({
    "hRoiManager.imagingFovUm": `[${"0 512 ".repeat(count / 2)}1024 0]`,
  });
  assert.equal(read(10, corners(300_000)).pixelSize?.x?.um, 2);
  assert.match(refusal(10, corners(2_000_000)), /found 6\d{6} characters; expected at most 4194304/);
});

test("whatever the settings say, the axes hold exactly the pages, or the error is a typed one", () => {
  const keys = [
    "hChannels.channelSave",
    "hStackManager.enable",
    "hStackManager.framesPerSlice",
    "hStackManager.actualNumSlices",
    "hStackManager.actualNumVolumes",
    "hScan2D.logAverageFactor",
    "hRoiManager.linesPerFrame",
    "hRoiManager.imagingFovUm",
    "hRoiManager.scanFrameRate",
  ];
  const values = [
    "1e15",
    "-1",
    "0",
    "1",
    "2",
    "1.5.2",
    "Inf",
    "-Inf",
    "NaN",
    "[1;1e15]",
    "[1 2]",
    "true",
    "",
  ];
  const settings = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values));
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), settings, (pages, change) => {
      try {
        const { stored, pixelSize, timeIncrement } = read(pages, change);
        assert.equal(
          stored.lengths.reduce((product, length) => product * length, 1),
          pages,
        );
        for (const one of [pixelSize?.x?.um, pixelSize?.y?.um, pixelSize?.z?.um, timeIncrement?.s])
          assert.ok(one === undefined || (one > 0 && Number.isFinite(one)));
      } catch (error) {
        assert.ok(isEdgeError(error), String(error));
      }
    }),
  );
});
