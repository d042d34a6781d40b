import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { quotedName, textOfName, visibleName } from "../../../watcher/intake/candidate-name.ts";

/** The bytes that a visible name stands for. */
function bytesOf(visible: string): Buffer {
  const parts = visible.match(/\\\\|\\x[0-9a-f]{2}|[^\\]+/gs) ?? [];
  return Buffer.concat(
    parts.map((part) => {
      if (part === "\\\\") return Buffer.from("\\");
      return part.startsWith("\\x") ? Buffer.from(part.slice(2), "hex") : Buffer.from(part);
    }),
  );
}

test("a name that is UTF-8 is its text", () => {
  assert.equal(textOfName(Buffer.from("gr\u00fcn \u{1f52c}.tif")), "gr\u00fcn \u{1f52c}.tif");
});

test("a name that is not UTF-8 is no text; what is shown instead loses nothing", () => {
  const latin1 = Buffer.from("gr\u00fcn.tif", "latin1");
  assert.equal(textOfName(latin1), undefined);
  assert.equal(visibleName(latin1), "gr\\xfcn.tif");
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(bytesOf(visibleName(Buffer.from(bytes))), Buffer.from(bytes));
    }),
  );
});

test("a quoted name is the shell's own word for the bytes, and ends as no image's name does", () => {
  for (const name of [Buffer.from("gr\u00fcn.tif", "latin1"), Buffer.from([0xff, 0x27, 0x5c, 0x20, 0x61])]) {
    const shown = execFileSync("bash", ["-c", `printf %s ${quotedName(name)}`]);
    assert.deepEqual(shown, name);
    assert.match(quotedName(name), /'$/);
  }
});
