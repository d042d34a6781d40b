import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeError,
  errorFromReport,
  formatError,
  reportOf,
  usageError,
  visible,
} from "../../core/errors.ts";

test("an error reads as one line: file, what, where, found, expected, remedy", () => {
  const error = formatError("the strip lies outside the file", {
    code: "tiff-strip-outside",
    file: "a.tif",
    at: "page 3",
    found: "byte 900 of 800",
    allowed: "at most byte 800",
    remedy: "Copy the file again",
  });
  assert.equal(
    describeError(error),
    "a.tif: the strip lies outside the file (page 3; found byte 900 of 800; expected at most byte 800). Copy the file again",
  );
});

test("a file name with a newline or an escape sequence cannot break the line or colour the terminal", () => {
  const error = usageError("there is no such file", { code: "no-such-file", file: "a\nb\u001b[31m.tif" });
  assert.equal(describeError(error), "a\\nb\\u001b[31m.tif: there is no such file");
});

test("what we did not foresee is called a defect of ours, without a stack trace", () => {
  const line = describeError(new TypeError("x is not a function"));
  assert.match(line, /internal error: x is not a function\. This is a defect in cnnt-edge/);
  assert.doesNotMatch(line, /\n/);
});

test("an error survives the way to another process", () => {
  const error = formatError("the file is cut", {
    code: "tiff-cut",
    file: "a.tif",
    remedy: "Wait for the copy to end",
    retryable: true,
  });
  const back = errorFromReport(JSON.parse(JSON.stringify(reportOf(error))));
  assert.equal(describeError(back), describeError(error));
  assert.equal(reportOf(back).code, "tiff-cut");
  assert.equal(reportOf(back).retryable, true);
});

test("a defect in another process is called one once", () => {
  const back = errorFromReport(reportOf(new TypeError("x is not a function")));
  assert.equal(describeError(back).match(/internal error/g)?.length, 1);
});

test("marks that turn the direction of reading are shown, because they make one name look like another", () => {
  assert.equal(visible("a\u202eFIT.exe\u2066b\u200f"), "a\\u202eFIT.exe\\u2066b\\u200f");
  assert.equal(visible("zebrafish \u0645\u062c\u0647\u0631.tif"), "zebrafish \u0645\u062c\u0647\u0631.tif");
});
