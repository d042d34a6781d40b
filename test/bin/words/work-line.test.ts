import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { after, test } from "node:test";
import { createWorkLine } from "../../../bin/words/progress.ts";

const term = process.env["TERM"];
after(() => {
  process.env["TERM"] = term ?? "";
});

function written(columns = 80) {
  const stderr = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns });
  return { stderr, text: (): string => String(stderr.read() ?? "") };
}

test("names with escape sequences reach a terminal as harmless text", () => {
  process.env["TERM"] = "xterm";
  const { stderr, text } = written();
  const line = createWorkLine("compare: \u001b[2Jmodel", stderr);
  line.show({ doing: "denoising \u001b]0;title\u0007.tif", done: 0, total: 2 });
  assert.equal(text(), "\r\u001b[Kcompare: \\u001b[2Jmodel: 0 %, denoising \\u001b]0;title\\u0007.tif");
});

test("a terminal that cannot redraw a line gets whole lines, as one that is no terminal", () => {
  process.env["TERM"] = "dumb";
  const { stderr, text } = written();
  let clock = 0;
  const line = createWorkLine("calibrate", stderr, () => clock);
  for (clock = 0; clock <= 6000; clock += 1000) line.show({ doing: "denoising", done: clock, total: 12_000 });
  line.end();
  assert.equal(text(), "calibrate: 41 %, denoising, about 7 s left\n");
});

test("says how long the work will take at its own pace, once enough of it is done, in one line of the terminal", () => {
  process.env["TERM"] = "xterm";
  const { stderr, text } = written(30);
  let clock = 0;
  const line = createWorkLine("calibrate", stderr, () => clock);
  line.show({ doing: "a", done: 1, total: 100 });
  assert.equal(text(), "\r\u001b[Kcalibrate: 1 %, a");
  clock = 10_000;
  line.show({ doing: "b", done: 50, total: 100 });
  assert.equal(text(), "\r\u001b[Kcalibrate: 50 %, b, about 10 ");
});
