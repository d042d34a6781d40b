import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { sampleHash } from "../../../formats/plane/sample-hash.ts";
import { assertTrue, liveFixtures, liveFolders, onlyImage } from "../live-truth.ts";
import { buildZarr, crc32c, type ZarrSpec } from "./build-zarr.ts";

const scratch = mkdtempSync(join(tmpdir(), "torn-zarr-"));
after(() => rmSync(scratch, { recursive: true }));

/** Files of chunks and shards below a folder. */
function chunkFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[0-9.c]+$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** "read" and a digest of all samples, or the code of the error that opening or reading ended with. */
async function endOf(folder: string): Promise<string> {
  try {
    const series = await onlyImage(folder);
    return `read ${await sampleHash(series)}`;
  } catch (error) {
    assert.ok(isEdgeError(error), String(error));
    assert.ok(error.remedy !== undefined && error.file !== undefined, describeError(error));
    return error.code;
  }
}

const fixtures = [...new Set(liveFolders(/\.zarr$/).map((folder) => basename(folder)))]
  .map((name) => join(liveFixtures, name))
  .filter((folder) => statSync(folder, { throwIfNoEntry: false }) !== undefined);

test("a chunk or a shard of any writer that is cut anywhere, or emptied, is refused as torn and never read as samples", async () => {
  const choice = fc.record({
    folder: fc.constantFrom(...fixtures),
    file: fc.nat(),
    // A tenth of all cuts empty the file.
    share: fc.oneof({ weight: 9, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) }, fc.constant(0)),
  });
  const copies = new Map(fixtures.map((folder) => [folder, join(scratch, basename(folder))]));
  for (const [folder, copy] of copies) cpSync(folder, copy, { recursive: true });
  await fc.assert(
    fc.asyncProperty(choice, async ({ folder, file, share }) => {
      const copy = copies.get(folder) ?? "";
      const files = chunkFiles(copy);
      const path = files[file % files.length] ?? "";
      const whole = readFileSync(path);
      writeFileSync(path, whole.subarray(0, Math.min(whole.length - 1, Math.floor(share * whole.length))));
      assert.equal(await endOf(copy), "zarr-chunk-torn", path);
      writeFileSync(path, whole);
      assert.match(await endOf(copy), /^read/);
    }),
    { numRuns: 60 },
  );
});

const small = { format: 3, axes: "zyx", shape: [4, 8, 8], chunk: [1, 8, 8] } as const;

test("one changed bit is noticed in the index of a shard, in a chunk with a checksum, and in one that gzip packed", async () => {
  const specs: readonly ZarrSpec[] = [
    { ...small, crc: true },
    { ...small, crc: true, packer: "zstd" },
    { ...small, crc: true, shard: [2, 1, 1] },
    { ...small, packer: "gzip" },
  ];
  for (const [number, spec] of specs.entries()) {
    const folder = join(scratch, `bit-${number}.zarr`);
    buildZarr(folder, spec);
    const right = await endOf(folder);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }), async (file, at, bit) => {
        const files = chunkFiles(folder);
        const path = files[file % files.length] ?? "";
        const whole = readFileSync(path);
        const changed = Buffer.from(whole);
        const place = at % whole.length;
        changed.writeUInt8((changed[place] ?? 0) ^ (1 << bit), place);
        writeFileSync(path, changed);
        // A bit of gzip's header, or between its blocks, may mean nothing.
        const ends = spec.packer === "gzip" ? ["zarr-chunk-torn", right] : ["zarr-chunk-torn"];
        assert.ok(ends.includes(await endOf(folder)), `${path}, byte ${place}, bit ${bit}`);
        writeFileSync(path, whole);
      }),
      { numRuns: 40 },
    );
  }
});

test("a shard that is still being written, with its chunks and without its index, is refused as torn", async () => {
  const folder = join(scratch, "no-index.ome.zarr");
  cpSync(join(liveFixtures, "acquire-sharded.ome.zarr"), folder, { recursive: true });
  const [path = ""] = chunkFiles(folder);
  const whole = readFileSync(path);
  // An entry of 16 bytes for each of four chunks, and the checksum.
  writeFileSync(path, whole.subarray(0, whole.length - 4 * 16 - 4));
  await assert.rejects(onlyImage(folder), (error: unknown) => {
    assert.ok(isEdgeError(error, "zarr-chunk-torn"));
    assert.match(
      describeError(error),
      /no-index.ome.zarr\/0\/c\/0\/0\/0\/0\/0: a chunk of the image is cut or damaged \(found .*crc32c/,
    );
    return error.retryable;
  });
});

test("an index whose checksum is right and that leads out of its shard is refused before anything is read there", async () => {
  for (const [offset, bytes] of [
    [2n ** 63n, 128n],
    [0n, 2n ** 62n],
    [2n ** 64n - 1n, 2n ** 64n - 2n],
    [500n, 128n],
  ] as const) {
    const folder = join(scratch, "far.zarr");
    buildZarr(folder, { ...small, shard: [2, 1, 1] });
    const [path = ""] = chunkFiles(folder);
    const shard = readFileSync(path);
    const index = shard.subarray(shard.length - 36, shard.length - 4);
    index.writeBigUInt64LE(offset, 0);
    index.writeBigUInt64LE(bytes, 8);
    shard.writeUInt32LE(crc32c(index), shard.length - 4);
    writeFileSync(path, shard);
    assert.equal(await endOf(folder), "zarr-chunk-torn", `${offset}, ${bytes}`);
  }
});

test("a chunk that is longer than it should be is refused, and files of other names beside chunks are passed over", async () => {
  const folder = join(scratch, "beside.ome.zarr");
  cpSync(join(liveFixtures, "ome-writers-zarr.ome.zarr"), folder, { recursive: true });
  for (const name of ["0.__lock", "0.3f2a.partial", "00", "9", ".DS_Store"]) {
    writeFileSync(join(folder, "0/c/0/0/0/0", name), "");
  }
  await assertTrue(await onlyImage(folder));
  const [path = ""] = chunkFiles(folder).filter((file) => file.endsWith("/0"));
  writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(1)]));
  assert.equal(await endOf(folder), "zarr-chunk-torn");
});
