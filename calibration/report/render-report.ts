import { counted } from "../../core/counted.ts";
import { verdictWords } from "../answer/answer.ts";
import type { Calibration, CalibrationImage, CalibrationLevel } from "../result/result.ts";
import { chartsOf } from "./charts.ts";
import { escaped } from "./line-chart.ts";
import type { LevelPictures } from "./pictures.ts";

/** What the pictures' greys and colours stand for. */
interface PictureKey {
  readonly black: number;
  readonly white: number;
  /** Difference in full colour, grey values. */
  readonly full: number;
  readonly plane: number;
  readonly side: number;
}

/** The report as one HTML file that needs nothing beside it: no script, no font, no network. */
export function renderReport(
  calibration: Calibration,
  pictures: readonly LevelPictures[],
  key: PictureKey,
): string {
  const { answer } = calibration;
  const no = answer.headline.startsWith("No");
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>Calibration: ${escaped(answer.headline)}</title><style>${style}</style></head><body>`,
    `<h1>Calibration: how fast may this experiment scan?</h1>`,
    `<section class="answer${no ? " no" : ""}"><p class="headline">${escaped(answer.headline)}</p>`,
    `<ul>${answer.sentences.map((sentence) => `<li>${escaped(sentence)}</li>`).join("")}</ul></section>`,
    `<p class="facts">${factsLine(calibration)}</p>`,
    `<h2>The evidence</h2>`,
    `<p class="note">Truth is what this field would show through this microscope with endless averaging: it includes blur, background and fixed pattern. Bands are 95 % intervals. Inputs and references share no repeat; the naive curve takes the noisy reference as the truth and is shown only as a warning.</p>`,
    `<div class="charts">${chartsOf(calibration).join("\n")}</div>`,
    strip(pictures, key),
    verdicts(calibration),
    `<h2>All figures</h2>`,
    table(calibration),
    `<p class="note">PSNR: as is, no gain or offset is fitted; against the truth that nobody has seen, from references that share no noise. naive: the same against the mean of the references as if it were the truth. Data range: the intensity range below. slope: means of blocks of the denoised image against those of the mean of the references (least squares); 1 where large structures keep their intensity.</p>`,
    `<p class="note">* SSIM compares with the noisy mean of the references, whose noise makes it too low. Compare it only within a column of this table; it cannot be a target. refs: repeats kept apart as references. Bias and noise are in grey values: bias stays however often you repeat, noise averages out.</p>`,
    `<h2>How it was made</h2>`,
    provenance(calibration),
    `</body></html>`,
  ].join("\n");
}

function factsLine({ images, drift, field_px, model, inputs, pixel_size_um, kind }: Calibration): string {
  const what =
    kind === "repeats"
      ? drift.left_out.length === 0
        ? `${images} repeats`
        : `${images} of ${images + drift.left_out.length} repeats (the others are left out)`
      : kind === "levels"
        ? `${images} images of ready-made levels`
        : "a low and a high image";
  const size = `${field_px.z} x ${field_px.y} x ${field_px.x} px`;
  const pixel = pixel_size_um === undefined ? "" : ` of ${Number(pixel_size_um.toPrecision(4))} µm`;
  return escaped(`${what} of ${size}${pixel}; model ${model.name} ${model.version}; ${named(inputs)}`);
}

/** Few files by name, many by the first and the last. */
function named(inputs: readonly string[]): string {
  if (inputs.length <= 2) return inputs.join(", ");
  return `${inputs.length} files, ${inputs[0]} to ${inputs.at(-1)}`;
}

function strip(pictures: readonly LevelPictures[], key: PictureKey): string {
  const columns = ["raw", "denoised", "reference", "taken away", "denoised less reference", "beyond noise?"];
  const image = (source: string | undefined, what: string) =>
    source === undefined
      ? `<div class="none">needs two draws</div>`
      : `<img src="${source}" alt="${escaped(what)}">`;
  const rows = pictures.map(
    ({ averages, raw, denoised, reference, residual, error, deviations }) =>
      `<div class="level">${counted(averages, "scan")}</div>${image(raw, "raw")}${image(denoised, "denoised")}${image(reference, "reference")}${image(residual, "raw less denoised")}${image(error, "denoised less reference")}${image(deviations, "deviation in units of noise")}`,
  );
  return [
    `<h2>The same place at every level</h2>`,
    `<p class="note">Plane ${key.plane + 1}, ${key.side} x ${key.side} pixels, the same grey scale in every picture: ${key.black.toFixed(0)} black, ${key.white.toFixed(0)} white. Differences: red more, blue less, full colour at ${key.full.toFixed(1)} grey values. The difference should look like noise, without the shape of cells. Last column: the whole plane in squares of 8 x 8, full colour at 6 standard deviations of noise.</p>`,
    `<div class="strip" style="grid-template-columns: 70px repeat(${columns.length}, 1fr)"><div></div>${columns.map((column) => `<div class="head">${column}</div>`).join("")}${rows.join("")}</div>`,
  ].join("");
}

function verdicts({ levels }: Calibration): string {
  const hasDetail = levels.some(({ references }) => references > 1);
  const items = levels.flatMap(({ averages, verdicts: found }) =>
    found.map(
      ({ verdict, evidence }) =>
        `<li class="verdict">${counted(averages, "scan")}: <b>${verdictWords[verdict]}</b>. ${escaped(evidence)}</li>`,
    ),
  );
  return `<h2>What else the model does to the image</h2>${
    items.length === 0
      ? `<p class="note">${hasDetail ? "These repeats show nothing else: brightness, place and detail are kept, and nothing is added that is not in the field." : "Brightness and place are kept. A single reference cannot tell what happens to detail; the ring correlation above shows how far raw and denoised data agree with it."}</p>`
      : `<ul>${items.join("")}</ul>`
  }`;
}

function table({ levels, answer }: Calibration): string {
  const heading = columns.map(([name]) => `<th>${escaped(name)}</th>`).join("");
  const rows = levels.map((level) => {
    const reached = level.averages === (answer.averages_needed ?? answer.averages_likely_needed);
    const cells = columns.map(([, text]) => `<td>${escaped(text(level))}</td>`).join("");
    return `<tr${reached ? ' class="reached"' : ""}>${cells}</tr>`;
  });
  return `<table><thead><tr>${heading}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function provenance(calibration: Calibration): string {
  const { drift, bleaching, model, settings } = calibration;
  const moved = drift.measured.map(({ y_px, x_px }) => Math.hypot(y_px, x_px));
  const rows: readonly (readonly [string, string])[] = [
    ["calibration", `${calibration.id}, ${calibration.created}, cnnt-edge ${calibration.version}`],
    [
      "model",
      `${model.name} ${model.version}, sha256 ${model.sha256}, intensity ${model.intensity}, ${calibration.provider === "cached" ? "from results of an interrupted run" : `ran on ${calibration.provider}`}`,
    ],
    [
      "drift",
      drift.measurable
        ? `up to ${Math.max(0, ...moved).toFixed(2)} px (each known to ${drift.uncertainty_px.toFixed(2)}); whole pixels undone${drift.left_out.length > 0 ? `; left out: ${drift.left_out.join(", ")}${drift.left_out_because === undefined ? "" : ` (${drift.left_out_because})`}` : ""}`
        : `too little structure to measure it (uncertainty ${drift.uncertainty_px.toFixed(1)} px); none assumed`,
    ],
    [
      "bleaching",
      bleaching.corrected
        ? `brightness range ${(100 * bleaching.range).toFixed(1)} %, undone by one factor per image about ${bleaching.offset.toFixed(1)} grey values (${bleaching.offset_from})`
        : `brightness range ${(100 * bleaching.range).toFixed(1)} %, left as it is`,
    ],
    [
      "stillness",
      calibration.stillness === null
        ? "not known: it needs at least three images"
        : `${calibration.stillness.toFixed(2)} (1: images differ by independent noise only)`,
    ],
    ["intensity range", `${calibration.data_range.toFixed(1)} grey values, for PSNR and SSIM`],
    [
      "noise of one scan",
      calibration.scan_variance === undefined
        ? "not known"
        : `${Math.sqrt(calibration.scan_variance).toPrecision(3)} grey values (rms)${calibration.grey_values_per_photon === null ? "" : `; slope of variance over intensity ${calibration.grey_values_per_photon.toPrecision(3)} grey values per photon`}`,
    ],
    ...Object.entries(settings).map(([name, value]) => [name, String(value)] as const),
  ];
  return `<dl>${rows.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join("")}</dl>`;
}

type Column = readonly [heading: string, text: (level: CalibrationLevel) => string];

const columns: readonly Column[] = [
  ["scans", ({ averages }) => String(averages)],
  ["draws", ({ draws }) => String(draws)],
  ["refs", ({ references }) => String(references)],
  ["PSNR raw (dB)", ({ raw }) => estimateText(raw.psnr_db)],
  ["PSNR denoised (dB)", ({ denoised }) => estimateText(denoised.psnr_db)],
  ["naive (dB)", ({ denoised }) => denoised.naive_psnr_db?.toFixed(1) ?? "–"],
  ["worth (raw scans)", ({ denoised }) => estimateText(denoised.worth_scans)],
  ["bias (rms)", ({ denoised }) => rootText(denoised.squared_bias)],
  ["noise (rms)", ({ denoised }) => rootText(denoised.variance)],
  [
    "resolution raw / denoised (px)",
    ({ raw, denoised }) => `${resolutionText(raw)} / ${resolutionText(denoised)}`,
  ],
  ["slope", ({ denoised }) => denoised.intensity_slope.toFixed(3)],
  ["SSIM* 7x7 / 7x7x7 / sk-image", ({ denoised }) => similarityText(denoised)],
  ["target", (level) => level.meets_target ?? "–"],
];

/** "28.4 (28.1 to 28.8)", "at least 30.2", "–" where it cannot be known. */
function estimateText(estimate: CalibrationImage["psnr_db"]): string {
  if (estimate === undefined || estimate.low === null) return "–";
  if (estimate.at_least || estimate.value === null || estimate.high === null)
    return `at least ${estimate.low.toFixed(1)}`;
  return `${estimate.value.toFixed(1)} (${estimate.low.toFixed(1)} to ${estimate.high.toFixed(1)})`;
}

function similarityText({ ssim_biased_by_reference_noise: ssim }: CalibrationImage): string {
  return [ssim.published_7x7, ssim.published_7x7x7, ssim.scikit_image_gaussian]
    .map((value) => value.toFixed(3))
    .join(" / ");
}

function rootText(square: number | undefined): string {
  if (square === undefined) return "–";
  return square <= 0 ? "≈ 0" : Math.sqrt(square).toPrecision(3);
}

function resolutionText({ resolution_px }: CalibrationImage): string {
  return resolution_px === undefined ? "< 2" : resolution_px.toFixed(1);
}

/** The report's style: reads on a screen, prints on A4 without cutting a chart in two. */
const style = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 28px 26px 60px; background: #fff; color: #1d2430;
  font: 15px/1.5 "Helvetica Neue", Helvetica, Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 15px; font-weight: 600; color: #56606e; margin: 0 0 10px; }
h2 { font-size: 18px; margin: 34px 0 10px; padding-top: 12px; border-top: 1px solid #d9dee6; }
.headline { font-size: 27px; line-height: 1.25; font-weight: 650; margin: 0 0 12px; max-width: 34em; }
.answer { border-left: 5px solid #0b5fa5; padding: 4px 0 4px 18px; }
.answer.no { border-color: #b2182b; }
.answer ul { margin: 0; padding-left: 1.1em; }
.answer li { margin: 2px 0; max-width: 62em; }
.facts { color: #56606e; margin: 16px 0 0; font-size: 13.5px; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 14px; }
.charts svg { width: 100%; height: auto; border: 1px solid #e6eaf0; border-radius: 4px; break-inside: avoid; }
.note { color: #56606e; font-size: 13.5px; max-width: 62em; margin: 6px 0 12px; }
.strip { display: grid; gap: 6px 8px; align-items: center; }
.strip .head { font-size: 12.5px; color: #56606e; text-align: center; }
.strip .level { font-size: 13.5px; font-weight: 600; text-align: right; padding-right: 6px; }
.strip img { width: 100%; image-rendering: pixelated; display: block; border: 1px solid #e6eaf0; }
.strip .none { color: #97a1af; font-size: 12px; text-align: center; }
.row { display: contents; }
table { border-collapse: collapse; width: 100%; font-size: 12.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 5px 7px; text-align: right; border-bottom: 1px solid #e6eaf0; vertical-align: top; }
th { font-weight: 600; color: #56606e; vertical-align: bottom; line-height: 1.25; }
tr.reached td { background: #eef5fb; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; font-size: 13px; margin: 0; }
dt { color: #56606e; } dd { margin: 0; overflow-wrap: anywhere; }
.verdict b { color: #7a2048; }
@media screen and (max-width: 800px) { .charts { grid-template-columns: 1fr; } }
@media print {
  @page { size: A4; margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 11.5px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .headline { font-size: 21px; } h2 { break-after: avoid; margin-top: 20px; }
  .charts svg, .strip img, tr { break-inside: avoid; } table { font-size: 9px; }
  .strip { break-inside: auto; }
}
`;
