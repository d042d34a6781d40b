/** The report's style: reads on a screen, prints on A4 without cutting a chart in two. */
export const style = `
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
