import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readPackage } from "../../export/package/read-package.ts";
import { repository } from "../watcher/running-daemon.ts";
import { pageText } from "./fenced-blocks.ts";

const { settings } = await readPackage(join(repository, "models/default"));
const pairs = settings.pairs ?? assert.fail("the shipped package states no pairs");
const slope = pairs.slope ?? assert.fail("the shipped package states no slope");
const flowing = (page: string): string => pageText(page).replace(/\s+/g, " ");

/** Gained PSNR of each plane in the first table of bench/RESULTS.md, which is after a fit; the next one is as is. */
const [fitted = ""] = pageText("bench/RESULTS.md").split("| plane | PSNR as is");
const gains = [...fitted.matchAll(/^\| \S+#\d \| ([\d.]+) \| ([\d.]+) \| [\d.]+ \|/gm)].map(
  ([, noisy, denoised]) => Number(denoised) - Number(noisy),
);
const sorted = gains.toSorted((a, b) => a - b);

test("the shipped model's card is the one that models/make-models.ts writes", () => {
  assert.equal(
    readFileSync(join(repository, "models/default/README.md"), "utf8"),
    readFileSync(join(repository, "models/default-card.md"), "utf8"),
  );
});

test("every page that tells the shipped model's slope tells the package's, and of what it is the slope", () => {
  for (const [page, digits] of [
    ["README.md", 2],
    ["docs/trouble.md", 2],
    ["models/default/README.md", 2],
    ["bench/RESULTS.md", 3],
  ] as const) {
    const range = `${slope.min.toFixed(digits)} to ${slope.max.toFixed(digits)}`;
    const text = flowing(page);
    assert.ok(text.includes(range), `${page} does not tell ${range}`);
    assert.match(text, /slope[^.]*pixels|pixels[^.]*slope/, `${page} does not say of what it is the slope`);
  }
});

test("what the pages tell of gained PSNR is the table's and the package's, and says that it is after a fit", () => {
  assert.equal(gains.length, pairs.count);
  const median = ((sorted[8] ?? 0) + (sorted[9] ?? 0)) / 2;
  assert.ok(Math.abs(median - pairs.psnr_gain_db.median) < 0.02, `${median} is not the package's median`);
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  for (const page of ["README.md", "models/default/README.md"]) {
    const text = flowing(page);
    assert.ok(
      text.includes(`${mean.toFixed(1)} dB`),
      `${page} does not tell the mean, ${mean.toFixed(1)} dB`,
    );
    assert.ok(
      text.includes(`${median.toFixed(1)}`),
      `${page} does not tell the median, ${median.toFixed(1)} dB`,
    );
    assert.match(text, /gain and offset/, page);
  }
});
