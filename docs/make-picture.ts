// Makes the README's picture with the product itself: noisy, denoised, reference, at one display range.
// usage: npm run picture -- NOISY CLEAN
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { openAcquisition } from "../formats/open.ts";
import { encodePng } from "../formats/png.ts";

const root = resolve(import.meta.dirname, "..");
const [noisy = "", clean = ""] = process.argv.slice(2);
const side = 400;
const crop = { left: 70, top: 90, width: side, height: side };

const scratch = mkdtempSync(join(tmpdir(), "picture-"));
const { status, stdout } = spawnSync(
  join(root, "bin/cnnt-edge.js"),
  ["denoise", noisy, "--dtype", "float32", "--out", scratch],
  { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
);
if (status !== 0) process.exit(1);

async function firstPlane(file: string) {
  const source = await openAcquisition(file);
  try {
    const { x, y } = source.acquisition.sizes;
    return { samples: await source.readPlane({ t: 0, c: 0, z: 0 }), width: x, height: y };
  } finally {
    await source.close();
  }
}

const reference = await firstPlane(clean);
const sorted = Float64Array.from(reference.samples).sort();
const low = sorted[Math.floor(sorted.length * 0.02)] ?? 0;
const high = sorted[Math.floor(sorted.length * 0.998)] ?? 1;

async function panel({ samples, width, height }: Awaited<ReturnType<typeof firstPlane>>, label: string) {
  const grey = await encodePng(samples, { width, height, black: low, white: high });
  const text = `<svg width="${side}" height="${side}"><text x="12" y="${side - 14}" font-family="sans-serif" font-size="17" fill="white" stroke="black" stroke-width="3" paint-order="stroke">${label}</text></svg>`;
  const cropped = await sharp(grey).extract(crop).png().toBuffer();
  return sharp(cropped)
    .toColourspace("srgb")
    .composite([{ input: Buffer.from(text) }])
    .png()
    .toBuffer();
}

const panels = [
  await panel(await firstPlane(noisy), "one raw frame"),
  await panel(await firstPlane(stdout.trim()), "the same frame, denoised"),
  await panel(reference, "mean of 50 frames"),
];
rmSync(scratch, { recursive: true });
const gap = 6;
await sharp({ create: { width: 3 * side + 2 * gap, height: side, channels: 3, background: "white" } })
  .composite(panels.map((input, i) => ({ input, left: i * (side + gap), top: 0 })))
  .toColourspace("b-w")
  .png({ compressionLevel: 9 })
  .toFile(join(root, "docs/pictures/zebrafish.png"));
