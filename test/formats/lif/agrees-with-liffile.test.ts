import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openFile } from "../../../formats/open.ts";
import { sampleHash } from "../../../formats/plane/sample-hash.ts";
import { randomBelow } from "../../hostile/mutate-bytes.ts";
import { buildLif, type ImageSpec } from "./build-lif.ts";

const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";
const isHere = spawnSync(python, ["-c", "import liffile"]).status === 0;
const scratch = mkdtempSync(join(tmpdir(), "liffile-"));
after(() => rmSync(scratch, { recursive: true }));

/** Of each image: path, axes, shape, type, and the hash of its samples in stored order, as liffile has them. */
const program = `
import hashlib, json, sys, liffile
found = []
with liffile.LifFile(sys.argv[1]) as lif:
    for image in lif.images:
        samples = image.asarray()
        found.append(dict(name=image.path, axes=''.join(image.dims), shape=list(image.shape),
            dtype=str(image.dtype), sha256=hashlib.sha256(samples.tobytes()).hexdigest()))
print(json.dumps(found))
`;

const ids = { x: 1, y: 2, z: 3, t: 4 } as const;

/** An image without gaps: X and Y fastest, the others in any order. */
function packedImage(number: number): ImageSpec {
  const next = randomBelow(number);
  const slow = (["z", "t", "c"] as const)
    .map((axis) => ({ axis, rank: next(1000) }))
    .sort((a, b) => a.rank - b.rank);
  const order = ["x", "y", ...slow.map(({ axis }) => axis)] as const;
  const bytes = 1 + next(2);
  let stride = bytes;
  const placed = order.map((axis) => {
    const count = 2 + next(4);
    const at = { axis, count, bytesInc: stride };
    stride *= count;
    return at;
  });
  const channel = placed.find(({ axis }) => axis === "c");
  return {
    name: `Series${number}`,
    dimensions: placed.flatMap(({ axis, ...rest }) => (axis === "c" ? [] : [{ id: ids[axis], ...rest }])),
    channels: Array.from({ length: channel?.count ?? 1 }, (_, c) => ({
      bits: 8 * bytes,
      bytesInc: c * (channel?.bytesInc ?? 0),
    })),
    samples: Buffer.from(Array.from({ length: stride }, () => next(256))),
  };
}

for (const version of [1, 2] as const) {
  test(`a container of version ${version} with 20 images in any order of axes is read as liffile reads it`, {
    skip: isHere ? false : "liffile is not here",
  }, async () => {
    const file = join(scratch, `${version}.lif`);
    const images = Array.from({ length: 20 }, (_, i) => packedImage(100 * version + i));
    const nested = { name: "Region", children: images.slice(10) };
    writeFileSync(file, buildLif([...images.slice(0, 10), nested], { version }));
    const truth = JSON.parse(execFileSync(python, ["-c", program, file], { encoding: "utf8" })) as object[];
    const opened = await openFile(file);
    const read: object[] = [];
    for (const series of opened.series) {
      if ("refusal" in series) assert.fail(series.refusal);
      const { name, axes, shape, sampleType } = series.acquisition;
      read.push({ name, axes, shape, dtype: sampleType, sha256: await sampleHash(series) });
    }
    await opened.close();
    assert.deepEqual(read, truth);
  });
}
