import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeName } from "../../../watcher/intake/candidate-name.ts";

const kinds: Record<string, string[]> = {
  image: ["a.tif", "A.TIFF", "b.ome.tif", "movie.stk", "µ 100%#.tif", "-dash.tif", "new\nline.tif", "a.LIF"],
  unsupported: ["a.lof", "a.CZI", "a.nd2", "a.oir", "a.ims", "a.lsm"],
  ignored: [
    ".a.tif",
    ".cnnt-edge-00000000-1-00000000-a.tif.partial",
    "a.tif.partial",
    "a.tif~",
    "a.tif.swp",
    "a.tmp",
    "a.tif.filepart",
    "notes.txt",
    "a.denoised.ome.tif",
    "a.Output.ome.tif",
    "noext",
  ],
};

for (const [kind, names] of Object.entries(kinds)) {
  for (const name of names) {
    test(`${JSON.stringify(name)} is ${kind}`, () => assert.equal(judgeName(name).kind, kind));
  }
}

test("a pattern of the configuration takes a name out", () => {
  assert.equal(judgeName("preview_12.tif", ["preview_*.tif"]).kind, "ignored");
  assert.equal(judgeName("my_preview_12.tif", ["preview_*.tif"]).kind, "image");
  assert.equal(judgeName("aXbXb.tif", ["a*b*b.tif"]).kind, "ignored");
  assert.equal(judgeName("ab.tif", ["a*b*b.tif"]).kind, "image");
});
