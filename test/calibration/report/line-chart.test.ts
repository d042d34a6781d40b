import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { lineChart } from "../../../calibration/report/line-chart.ts";

/** Pixels of the drawn chart for each unit of the SVG; the chart's own density is 72. */
const scale = 3;

async function drawn(names: readonly string[]) {
  const svg = lineChart({
    title: "A chart",
    x: { label: "scans", scale: "linear" },
    y: { label: "dB", scale: "linear" },
    series: names.map((name, at) => ({ name, color: "#c2571a", points: [{ x: at, y: at }] })),
  });
  const { data, info } = await sharp(Buffer.from(svg), { density: 72 * scale })
    .flatten({ background: "#fff" })
    .toColourspace("b-w")
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 1);
  const signs = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)h18"/g)].map(([, x, y]) => ({
    x: Number(x),
    y: Number(y),
  }));
  return { data, width: info.width, signs };
}

for (const [what, names] of [
  ["the curves of the answer", ["denoised", "raw average", "noise / n", "denoised, naive"]],
  ["wide letters", ["WWWWWWWW", "mmmmmmmmmm", "MWMWMW"]],
  ["levels", ["1 scan", "2 scans", "4 scans", "8 scans", "16 scans", "32 scans", "64 scans"]],
] as const) {
  test(`no name in a legend touches the sign of the next one (${what})`, async () => {
    const { data, width, signs } = await drawn(names);
    assert.equal(signs.length, names.length);
    for (const [index, { x, y }] of signs.entries()) {
      let ink = 0;
      for (let row = Math.floor((y - 8) * scale); row < (y + 8) * scale; row += 1) {
        for (let column = Math.floor((x - 8) * scale); column < (x - 1) * scale; column += 1) {
          if ((data[row * width + column] ?? 255) < 250) ink += 1;
        }
      }
      assert.equal(ink, 0, `${names[index - 1]} reaches the sign of ${names[index]}`);
      assert.ok(y < 52, "the legend stays above the frame");
    }
  });
}
