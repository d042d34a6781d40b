import assert from "node:assert/strict";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeError } from "../../../core/errors.ts";
import { openAcquisition, openFile } from "../../../formats/open.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";
import { ndText, writeNdSet } from "./nd-files.ts";

async function refusalsOf(nd: string): Promise<string[]> {
  const opened = await openFile(nd);
  await opened.close();
  return opened.series.flatMap((one) => ("refusal" in one ? [describeError(one.refusal)] : []));
}

test("each stage position of an .nd file is an image, with its wavelengths, planes and names", async () => {
  const folder = await temporaryFolder();
  const set = {
    stages: ["left", "right"],
    waves: ["CFP", "488 nm/em"],
    zSteps: 3,
    timePoints: 2,
    zStep: "0,25",
  };
  const { nd, names } = await writeNdSet(folder, "dish 2", set);
  assert.equal(names.length, 8);
  const opened = await openFile(nd);
  assert.deepEqual(opened.files.slice(1).toSorted(), names.map((name) => join(folder, name)).toSorted());
  for (const [s, series] of opened.series.entries()) {
    assert.ok("acquisition" in series);
    const { acquisition } = series;
    assert.equal(acquisition.name, `dish 2 ${set.stages[s]}`);
    assert.deepEqual(acquisition.sizes, { t: 2, c: 2, z: 3, y: 3, x: 4 });
    assert.deepEqual(
      acquisition.channels,
      set.waves.map((name) => ({ name })),
    );
    assert.equal(acquisition.pixelSize.z?.um, 0.25);
    for (const t of [0, 1])
      for (const c of [0, 1])
        for (const z of [0, 1, 2]) {
          const [sample] = await series.readPlane({ t, c, z });
          assert.equal(sample, 1000 * (s + 1) + 100 * (t + 1) + 10 * (c + 1) + z);
        }
  }
  await opened.close();
});

test("the size of a pixel comes from MetaMorph's metadata of the first file, the z step from the .nd file", async () => {
  const folder = await temporaryFolder();
  const { nd, names } = await writeNdSet(folder, "a", { timePoints: 1, zSteps: 2, zStep: "0.5" });
  const description =
    '<MetaData><prop id="spatial-calibration-x" type="float" value="0.2"/><prop id="spatial-calibration-y" type="float" value="0.3"/><prop id="spatial-calibration-units" type="string" value="um"/></MetaData>';
  const pages = numberedPages(2).map((page) => ({ ...page, description }));
  await writeFile(join(folder, names[0] ?? ""), buildTiff(pages));
  const { acquisition, close } = await openAcquisition(nd);
  await close();
  const { x, y, z } = acquisition.pixelSize;
  assert.deepEqual([x?.um, y?.um, z?.um], [0.2, 0.3, 0.5]);
});

test("wavelengths without a Z series are an image of their own", async () => {
  const folder = await temporaryFolder();
  const { nd } = await writeNdSet(folder, "a", { waves: ["GFP", "DIC"], zSteps: 4, withoutZ: [2] });
  const opened = await openFile(nd);
  await opened.close();
  assert.deepEqual(
    opened.series.map((one) => "acquisition" in one && [one.acquisition.name, one.acquisition.sizes.z]),
    [
      ["a Z series", 4],
      ["a single planes", 1],
    ],
  );
});

test("names are as short as the .nd file says, in capitals or not, and a number in a wavelength's name is part of it", async () => {
  for (const [set, names] of [
    [{ timePoints: 2 }, ["a_T1.TIFF", "a_t2.stk"]],
    [{ waves: ["488", "88"] }, ["a_w1488.TIF", "a_w288.tif"]],
    [{ waves: ["w_1", "2"], named: false }, ["a_w1.TIF", "a_w2.TIF"]],
    [{ stages: ["x"] }, ["a_s1.TIF"]],
  ] as const) {
    const folder = await temporaryFolder();
    for (const name of names) await writeFile(join(folder, name), buildTiff(numberedPages(1)));
    await writeFile(join(folder, "a.ND"), ndText(set));
    const opened = await openFile(join(folder, "a.ND"));
    await opened.close();
    assert.deepEqual(
      opened.files,
      ["a.ND", ...names].map((name) => join(folder, name)),
    );
    for (const name of names) {
      const { acquisition, close } = await openAcquisition(join(folder, name));
      await close();
      assert.equal(acquisition.describedBy, "a.ND", name);
    }
  }
});

test("files that are missing, twice there, cut or of other planes than the .nd file counts are refused by name", async () => {
  const folder = await temporaryFolder();
  const { nd } = await writeNdSet(folder, "a", { waves: ["GFP"], timePoints: 4, zSteps: 2 }, [
    "a_w1GFP_t3.TIF",
  ]);
  assert.match((await refusalsOf(nd)).join(), /no "a_w1GFP_t3.TIF"/);
  await writeFile(join(folder, "a_w1GFP_t3.TIF"), buildTiff(numberedPages(1)));
  assert.match(
    (await refusalsOf(nd)).join(),
    /a_w1GFP_t3.TIF: .*another number of planes.*found 1; expected 2/,
  );
  await writeFile(join(folder, "a_w1_t3.TIF"), buildTiff(numberedPages(2)));
  assert.match((await refusalsOf(nd)).join(), /"a_w1GFP_t3.TIF" and "a_w1_t3.TIF"/);
});

test("an .nd file that is cut, counts without end or means what is not read is refused in one line", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "a.nd");
  for (const [text, reason] of [
    [ndText({ timePoints: 2 }).replace('"EndFile"', ""), /the \.nd file is cut/],
    [ndText({ timePoints: 1_000_000_000 }), /NTimePoints 1000000000; expected at most 20000/],
    [ndText({ timePoints: 20_000, stages: ["a", "b"] }), /found 40000; expected 20000/],
    [ndText({ timePoints: 2 }).replace('"NTimePoints", 2', '"NTimePoints", many'), /NTimePoints "many"/],
    [ndText({ waves: ["DUAL 1"] }), /side by side/],
    [
      ndText({ waves: ["a"], timePoints: 3 }).replace(
        '"WaveDoZ1"',
        '"WavePointsCollected1", 1, 3\r\n"WaveDoZ1"',
      ),
      /2 of 3 time points/,
    ],
  ] as const) {
    await writeFile(file, text);
    await assert.rejects(openFile(file), (error) => reason.test(describeError(error)), String(reason));
  }
});

test("a file that MetaMorph named as one of many waits for its .nd file, and other files do not", async () => {
  const folder = await temporaryFolder();
  const describerOf = async (name: string, fields: Record<number, readonly number[]> = {}) => {
    const pages = numberedPages(1).map((page) => ({ ...page, fields }));
    await writeFile(join(folder, name), buildTiff(pages));
    const { acquisition, close } = await openAcquisition(join(folder, name));
    await close();
    return acquisition.describedBy;
  };
  const metaMorph = { 33629: [0] };
  assert.equal(await describerOf("x_w1GFP_s2_t3.TIF", metaMorph), "x.nd");
  assert.equal(await describerOf("x_t3.TIF", metaMorph), "x.nd");
  assert.equal(await describerOf("x_w1GFP_s2_t3.tif"), undefined);
  assert.equal(await describerOf("alone.TIF", metaMorph), undefined);
  assert.equal(await describerOf("IXM_A01_s1_w164FBEEF7.tif", metaMorph), undefined);
  // Beyond what the .nd file counts.
  await writeFile(join(folder, "y.nd"), ndText({ timePoints: 2 }));
  assert.equal(await describerOf("y_t2.tif"), "y.nd");
  assert.equal(await describerOf("y_t3.tif"), undefined);
});

test("an .nd file of any size, or one that counts to 1e15, costs its TIFFs and itself no more than what is allowed", async () => {
  const folder = await temporaryFolder();
  const [nd, plane] = [join(folder, "big.nd"), join(folder, "big_w1_t1.tif")];
  await writeFile(plane, buildTiff(numberedPages(1)));
  await writeFile(nd, ndText({ timePoints: 1, waves: ["a"] }));
  await truncate(nd, 2600 * 2 ** 20);
  await assert.rejects(openFile(nd), (error) =>
    /longer than is allowed \(found 2726297600 bytes; expected at most 4194304 bytes\)/.test(
      describeError(error),
    ),
  );
  const { acquisition, close } = await openAcquisition(plane);
  await close();
  assert.equal(acquisition.describedBy, "big.nd");
  const long = "n".repeat(3_000_000);
  for (const [text, reason] of [
    [ndText({ timePoints: 20_000, waves: [long] }), /found 3000000 characters; expected at most 255/],
    [ndText({ timePoints: 1e15 }), /NTimePoints "1000000000000000"/],
    [ndText({ timePoints: 1e15 - 1 }), /NTimePoints 999999999999999; expected at most 20000/],
    [ndText({ zSteps: 1e15 - 1 }), /NZSteps 999999999999999; expected at most 20000/],
  ] as const) {
    await writeFile(nd, text);
    await assert.rejects(openFile(nd), (error) => reason.test(describeError(error)), String(reason));
  }
});
