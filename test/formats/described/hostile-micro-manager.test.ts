import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { describeError } from "../../../core/errors.ts";
import { readMicroManager } from "../../../formats/described/micro-manager-text.ts";
import { openFile } from "../../../formats/open.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";

function planeName({ c = 0, position = 0, t = 0, z = 0 }): string {
  const digits = (value: number, count = 3): string => String(value).padStart(count, "0");
  return `img_channel${digits(c)}_position${digits(position)}_time${digits(t, 9)}_z${digits(z)}.tif`;
}

/** What is told of a folder with these planes and this metadata.txt. */
async function toldOf(text: string, names: readonly string[] = [planeName({})]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of names) await writeFile(join(folder, name), buildTiff(numberedPages(1)));
  await writeFile(join(folder, "metadata.txt"), text);
  try {
    const opened = await openFile(join(folder, "metadata.txt"));
    await opened.close();
    return opened.series.map((one) => ("refusal" in one ? describeError(one.refusal) : "read")).join();
  } catch (error) {
    return describeError(error);
  }
}

const entryOf = (name: string): string => `"Metadata-Default/${name}":{"a":1}`;
const far = planeName({ t: 999_999_999 });

test("metadata whose largest numbers, or whose sizes over all positions, make too many files are refused at once", async () => {
  const positions = Array.from({ length: 1000 }, (_, position) => entryOf(planeName({ position })));
  const key = "FrameKey-999999999-999999999-999999999";
  for (const [text, found, names] of [
    [`{"Summary":{"ChNames":["a"]},${entryOf(far)}}`, "1000000000", [far]],
    // Beside a text that is not closed, the planes of the folder count too.
    [`{"Summary":{"ChNames":["a"]},${entryOf(planeName({}))}`, "1000000000", [planeName({}), far]],
    [`{"Summary":{"ChNames":["a"]},"${key}":{"FileName":"${far.slice(0, 4)}0.tif"}}`, "1e\\+27", []],
    [`{"Summary":{"Frames":20000,"Channels":1,"Slices":1},${positions.join()}`, "20000000", []],
    [`{"Summary":{"Frames":1e15,"Channels":1e15,"Slices":1}}`, "1e\\+30", []],
  ] as const) {
    assert.match(await toldOf(text, names), new RegExp(`found ${found}; expected 20000`));
  }
});

test("more planes than a set may have are refused, whatever sizes metadata.txt states", async () => {
  const planes = Array.from({ length: 20_001 }, (_, t) => entryOf(planeName({ t })));
  for (const summary of [`{"a":1}`, `{"Frames":1,"Channels":1,"Slices":1}`])
    assert.match(await toldOf(`{"Summary":${summary},${planes.join()}}`, []), /found 20001; expected 20000/);
});

test("one file for two planes, or two files for one plane, are refused by name", async () => {
  const frame = (t: number): string =>
    `"FrameKey-${t}-0-0":${JSON.stringify({ FileName: "img_000000000_a_000.tif" })}`;
  const summary = `"Summary":{"Frames":2,"Channels":1,"Slices":1,"ChNames":["a"]}`;
  const one = await toldOf(`{${summary},${frame(0)},${frame(1)}}`, ["img_000000000_a_000.tif"]);
  const alike = `{${summary.replace('["a"]', '["a","a"]').replace('"Frames":2,"Channels":1', '"Frames":1,"Channels":2')},${frame(0)}}`;
  for (const told of [one, await toldOf(alike, ["img_000000000_a_000.tif"])])
    assert.match(told, /one file for two planes \(found "img_000000000_a_000\.tif"\)/);

  const other = planeName({}).replace("channel000", "channel0000");
  const listed = `{"Summary":{"Frames":1,"Channels":1,"Slices":1},${entryOf(planeName({}))}`;
  const two = /the same one by their names \(found "img_channel0000_[^"]*" and "img_channel000_[^"]*"\)/;
  assert.match(await toldOf(`${listed},${entryOf(other)}}`, [planeName({}), other]), two);
  assert.match(await toldOf(`${listed}}`, [planeName({}), other]), two);
  assert.equal(await toldOf(`${listed},${entryOf(planeName({}))}}`), "read");
});

test("a name that is longer than names of files may be is refused", async () => {
  const long = "n".repeat(300);
  const sizes = `"Frames":2,"Channels":1,"Slices":1`;
  const toldOfNames = [
    await toldOf(`{"Summary":{${sizes},"ChNames":["${long}"]}}`),
    await toldOf(`{"Summary":{${sizes}},"Metadata-Default/${long}":{"a":1}}`),
  ];
  for (const told of toldOfNames) assert.match(told, /found 300 characters; expected at most 255/);
});

test("an entry that is longer than is allowed is refused before it is parsed, and other entries are passed over", async () => {
  const nested = `${"[".repeat(2 ** 21)}0${"]".repeat(2 ** 21)}`;
  const summary = `"Summary":{"Frames":1,"Channels":1,"Slices":1}`;
  const plane = entryOf(planeName({}));
  const long = [
    `{"Summary":{"a":${nested}},${plane}}`,
    `{${summary},${plane.replace(`"a":1`, `"a":${nested}`)}}`,
  ];
  for (const text of long)
    assert.match(await toldOf(text), /found 41943\d\d characters; expected at most 4194304/);
  assert.equal(await toldOf(`{${summary},"Coords-Default/a":{"a":${nested}},${plane}}`), "read");
});

const keys = [
  "Frames",
  "Channels",
  "Slices",
  "IntendedDimensions",
  "ChNames",
  "PixelSize_um",
  "z-step_um",
  "Interval_ms",
];
const hostile = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>({ valueOf: null }, { toString: 1 }, [{ toString: 1 }], 1e15, -1, 1e308, "1"),
  fc.array(fc.constantFrom<unknown>({ toString: 1 }, "a", null, 1e15)),
);

test("whatever stands in a summary, it is read by its type or refused with a typed error", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), hostile), (summary) => {
      const text = JSON.stringify({ Summary: summary, "FrameKey-0-0-0": summary });
      const read = readMicroManager(text, "metadata.txt", 20_000);
      for (const um of [read.pixelSizeUm, read.zStepUm, read.intervalMs])
        assert.ok(um === undefined || (um > 0 && Number.isFinite(um)));
      assert.ok(read.channelNames.every((name) => name === undefined || typeof name === "string"));
    }),
    { examples: [[{ ChNames: [{ toString: 1 }] }], [{ "z-step_um": { valueOf: null } }]] },
  );
});
