import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { sparseHashes } from "../../../watcher/intake/sighting.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const endBytes = 65_536;

test("each byte of a file of up to 192 KiB counts for its identity", async () => {
  const file = join(await temporaryFolder(), "a.tif");
  const cases = fc
    .integer({ min: 1, max: 3 * endBytes })
    .chain((size) => fc.tuple(fc.constant(size), fc.integer({ min: 0, max: size - 1 })));
  await fc.assert(
    fc.asyncProperty(cases, async ([size, changed]) => {
      const bytes = randomBytes(size);
      await writeFile(file, bytes);
      const before = await sparseHashes(file);
      bytes[changed] = (bytes[changed] ?? 0) ^ 1;
      await writeFile(file, bytes);
      assert.notDeepEqual(await sparseHashes(file), before);
    }),
    { numRuns: 40 },
  );
});

test("another image between the same ends has another middle and the same ends; the same bytes have both", async () => {
  const folder = await temporaryFolder();
  const [head, tail] = [randomBytes(endBytes), randomBytes(endBytes)];
  const middle = randomBytes(2_000_000);
  const [one, same, other] = await Promise.all(
    [middle, middle, randomBytes(middle.length)].map(async (between, index) => {
      const file = join(folder, `${index}.tif`);
      await writeFile(file, Buffer.concat([head, between, tail]));
      return sparseHashes(file);
    }),
  );
  assert.deepEqual(same, one);
  assert.equal(other?.ends, one?.ends);
  assert.notEqual(other?.middle, one?.middle);
});
