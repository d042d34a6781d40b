import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { isEdgeError } from "../../../core/errors.ts";
import { defaultLimits } from "../../../formats/file/reading.ts";
import { openAcquisition } from "../../../formats/open.ts";
import { buildTiff, numberedPages } from "../build-tiff.ts";

const scratch = mkdtempSync(join(tmpdir(), "large-"));
after(() => rmSync(scratch, { recursive: true }));

test("planes beyond 4 GiB behind a single ImageJ directory are read", async () => {
  const planes = 1200;
  const width = 2048;
  const length = 1024;
  const planeBytes = width * length * 2;
  const description = `ImageJ=1.53t\nimages=${planes}\nslices=${planes}\n`;
  // A sparse file: the directory comes first, the planes are a hole but for the last one.
  const start = 4096;
  const fields = { 273: [start], 279: [planeBytes], 278: [length], 256: [width], 257: [length] };
  const head = buildTiff([{ width, length, bytes: new Uint8Array(0), description, fields }]);
  const file = join(scratch, "5gb.tif");
  const handle = await open(file, "w");
  await handle.write(head, 0, head.length, 0);
  await handle.truncate(start + planes * planeBytes);
  const last = Buffer.from(Uint16Array.from({ length: width * length }, (_, i) => i).buffer);
  await handle.write(last, 0, last.length, start + (planes - 1) * planeBytes);
  await handle.close();
  assert.ok(start + planes * planeBytes > 2 ** 32);

  const source = await openAcquisition(file);
  try {
    const samples = await source.readPlane({ t: 0, c: 0, z: planes - 1 });
    assert.deepEqual(Buffer.from(samples.buffer), last);
    const hole = await source.readPlane({ t: 0, c: 0, z: planes - 2 });
    assert.ok(hole.every((value) => value === 0));
  } finally {
    await source.close();
  }
});

test("forty thousand pages are held as a few numbers each", async () => {
  const pages = 40_000;
  const file = join(scratch, "pages.tif");
  writeFileSync(file, buildTiff(numberedPages(pages)));
  const program = join(import.meta.dirname, "open-large.fixture.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--expose-gc",
    "--import",
    import.meta.resolve("tsx"),
    program,
    file,
  ]);
  const { held, z, last } = JSON.parse(stdout) as { held: number; z: number; last: number };
  assert.deepEqual({ z, last }, { z: pages, last: 39_999 });
  // 20 bytes a page in tables that double as they grow, and 4 for the series; one object a page would be hundreds.
  assert.ok(held < pages * 120, `${held} bytes held`);
});

test("a file with more pages than are allowed is refused", async () => {
  const file = join(scratch, "many.tif");
  writeFileSync(file, buildTiff(numberedPages(20)));
  await assert.rejects(openAcquisition(file, { limits: { ...defaultLimits, maxPages: 19 } }), (error) =>
    isEdgeError(error, "tiff-pages"),
  );
});

test("opening stops when it is asked to", async () => {
  const file = join(scratch, "stop.tif");
  writeFileSync(file, buildTiff(numberedPages(20)));
  await assert.rejects(openAcquisition(file, { signal: AbortSignal.abort() }), { name: "AbortError" });
});
