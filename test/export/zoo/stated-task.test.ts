import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { readPackage } from "../../../export/package/read-package.ts";
import { statedTaskOf } from "../../../export/package/stated-task.ts";
import { judgeTask } from "../../../export/package/zoo/judge-task.ts";

const root = resolve(import.meta.dirname, "../../..");

const output05 = (id: string, more: object = {}) => ({
  outputs: [{ id, axes: [{ type: "batch" }, { type: "channel", channel_names: ["intensity"] }], ...more }],
});
const output04 = (name: string, more: object = {}) => ({ outputs: [{ name, axes: "bcyx", ...more }] });

/** What descriptions of bioimage.io state, and what CAREamics writes into those that it exports. */
const denoisers: readonly [what: string, stated: object][] = [
  [
    "N2V SEM Demo",
    {
      name: "N2V SEM Demo",
      tags: ["denoising", "unet2d", "n2v"],
      ...output04("denoised", { data_type: "float32" }),
    },
  ],
  [
    "Noise2Void of CAREamics",
    {
      name: "mine",
      tags: ["denoising", "restoration", "UNet", "3D", "CAREamics", "pytorch", "Noise2Void"],
      ...output05("prediction"),
    },
  ],
  [
    "Noise2Noise of CAREamics",
    {
      name: "mine",
      tags: ["restoration", "UNet", "2D", "CAREamics", "pytorch", "Noise2Noise"],
      ...output05("prediction"),
    },
  ],
  [
    "CARE of CAREamics",
    { name: "mine", tags: ["restoration", "UNet", "CAREamics", "CARE"], ...output05("prediction") },
  ],
  [
    "a CARE network whose output's description names boundaries",
    { name: "x", tags: ["CARE"], ...output05("y", { description: "restored, its boundaries are cut off" }) },
  ],
  [
    "one whose output's description says it, against a tag",
    { name: "x", tags: ["segmentation"], ...output05("y", { description: "the denoised image" }) },
  ],
  [
    "a denoiser of nuclei",
    { name: "x", tags: ["nuclei", "cells", "Image Denoising"], ...output04("output0") },
  ],
  [
    "one that ends in a sigmoid",
    { name: "x", tags: ["denoising"], ...output05("y", { postprocessing: [{ id: "sigmoid" }] }) },
  ],
  [
    "one that says it of its output only",
    { name: "x", tags: ["test"], ...output04("denoised", { postprocessing: [{ name: "sigmoid" }] }) },
  ],
  [
    "one that says it of its output, and is made for a segmentation",
    { name: "x", tags: ["segmentation"], ...output05("denoised") },
  ],
  ["one that says it in its name only", { name: "Denoiser for SEM", tags: [], ...output05("y") }],
];

for (const [what, stated] of denoisers) {
  test(`${what} denoises`, () => {
    const { verdict, words } = judgeTask(stated);
    assert.equal(verdict, "denoises", words.join("; "));
    assert.notEqual(words.length, 0);
  });
}

const others: readonly [what: string, stated: object, words: string[]][] = [
  [
    "UNet 2D Nuclei Broad",
    {
      name: "UNet 2D Nuclei Broad",
      tags: ["unet2d", "pytorch", "nucleus", "segmentation", "dsb2018"],
      ...output05("probability", {
        description: "probability in [0,1]",
        postprocessing: [{ id: "sigmoid" }],
      }),
    },
    ["outputs.0.id: probability"],
  ],
  [
    "NucleiSegmentationBoundaryModel",
    {
      name: "NucleiSegmentationBoundaryModel",
      tags: ["fluorescence-light-microscopy", "nuclei", "instance-segmentation", "unet", "2d"],
      ...output04("output0"),
    },
    ["tags: instance-segmentation"],
  ],
  [
    "HPA Nucleus Segmentation",
    { tags: ["nucleus-segmentation"], ...output04("output0") },
    ["tags: nucleus-segmentation"],
  ],
  ["EmbryoNet", { tags: ["classification", "resnet-18"], ...output04("output") }, ["tags: classification"]],
  [
    "StarDist",
    { tags: ["nuclei", "object-detection", "stardist"], ...output04("output") },
    ["tags: object-detection", "tags: stardist"],
  ],
  [
    "virtual staining",
    { tags: ["gan", "virtual-staining"], ...output04("output_images") },
    ["tags: virtual-staining"],
  ],
  [
    "super-resolution",
    { tags: ["super-resolution", "image-restoration"], ...output04("output") },
    ["tags: super-resolution"],
  ],
  [
    "a network whose output takes a few values, whatever its tags",
    { tags: ["denoising"], ...output05("y", { data: { values: [0, 1], type: "uint8" } }) },
    ["outputs.0.data.values: 0, 1"],
  ],
  [
    "a network whose output is one of a list of values, stated for each channel",
    { tags: [], ...output05("y", { data: [{ values: ["background", "cell"] }] }) },
    ["outputs.0.data.values: background, cell"],
  ],
  [
    "a network whose output is true or false",
    { tags: [], ...output04("y", { data_type: "bool" }) },
    ["outputs.0.data_type: bool"],
  ],
  [
    "a network whose channel is named for a class",
    { tags: [], outputs: [{ id: "y", axes: [{ type: "channel", channel_names: ["foreground"] }] }] },
    ["outputs.0.axes.0.channel_names: foreground"],
  ],
  [
    "a network whose output's description says so, and no tag anything",
    { name: "x", tags: ["unet"], ...output05("y", { description: "probability in [0,1]" }) },
    ["outputs.0.description: probability in [0,1]"],
  ],
  [
    "a network that says it in its name only",
    { name: "Leaf Segmentation", tags: ["unet"], ...output05("y") },
    ["name: Leaf Segmentation"],
  ],
  [
    "a network that ends in a sigmoid and says no more",
    {
      name: "x",
      tags: ["unet"],
      ...output05("y", { postprocessing: [{ id: "ensure_dtype" }, { id: "sigmoid" }] }),
    },
    ["outputs.0.postprocessing: sigmoid"],
  ],
];

for (const [what, stated, words] of others) {
  test(`${what} does something else`, () => {
    assert.deepEqual(judgeTask(stated), { verdict: "something-else", words });
  });
}

const silent: readonly [what: string, stated: object][] = [
  [
    "tags of samples, microscopes and networks",
    {
      name: "x",
      tags: ["nuclei", "cells", "unet", "3d", "super-resolution-microscopy", "label-free"],
      ...output04("output0"),
    },
  ],
  // The zoo's UniFMIRSuperResolutionOnFactin has no other tag that names a task.
  [
    "restoration, which may be any",
    { name: "x", tags: ["image-restoration", "restoration"], ...output04("output0") },
  ],
  [
    "tags that contradict each other",
    { name: "x", tags: ["denoising", "segmentation"], ...output04("output0") },
  ],
  ["a name with both words", { name: "Segmentation of denoised images", ...output04("output0") }],
  ["no tags at all", { name: "x", ...output05("clean") }],
  ["tags that are no list", { name: "x", tags: 3, ...output05("y", { data: "any", description: [] }) }],
  [
    "a description for which care was taken",
    { name: "taking care of cells", description: "with care", tags: ["careful"], ...output05("y") },
  ],
];

for (const [what, stated] of silent) {
  test(`a description does not say what the model does: ${what}`, () => {
    assert.deepEqual(judgeTask(stated), { verdict: "does-not-say", words: [] });
  });
}

test("whatever a description holds, it is judged, and only words of it are told", () => {
  const word = fc.constantFrom(
    "denoising",
    "segmentation",
    "nuclei",
    "mask",
    "denoised",
    "sigmoid",
    "bool",
    "n2v",
  );
  const stated = fc.record(
    {
      name: fc.oneof(word, fc.anything()),
      tags: fc.oneof(fc.array(word), fc.anything()),
      outputs: fc.oneof(
        fc.tuple(
          fc.record({ id: word, description: word, data: fc.anything(), postprocessing: fc.anything() }),
        ),
        fc.anything(),
      ),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(stated, (description) => {
      const { verdict, words } = judgeTask(description);
      assert.equal(verdict === "does-not-say", words.length === 0);
    }),
  );
});

test("the models of the fixtures and the shipped ones state what they do", async () => {
  const verdictOf = async (dir: string) => statedTaskOf(await readPackage(join(root, dir))).verdict;
  assert.equal(await verdictOf("test/fixtures/zoo/fixed-size-04"), "something-else");
  assert.equal(await verdictOf("test/fixtures/zoo/channels-last-04"), "denoises");
  assert.equal(await verdictOf("test/fixtures/zoo/planes-05"), "does-not-say");
  assert.equal(await verdictOf("models/default"), "denoises");
  assert.equal(await verdictOf("models/identity"), "does-not-say");
  const own = parse(readFileSync(join(root, "models/default/rdf.yaml"), "utf8")) as object;
  assert.equal(judgeTask(own).verdict, "denoises", "what we export says so to other tools, too");
});
