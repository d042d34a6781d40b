import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldType } from "../../../formats/tiff/tags.ts";
import {
  asciiField,
  bigTiff,
  classic,
  directoryBytes,
  directorySize,
  headerBytes,
} from "../../../formats/tiff/write-directory.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

test("the headers are those of TIFF 6.0 and of BigTIFF", () => {
  assert.equal(hex(headerBytes(classic, 0x01020304)), "49492a0004030201");
  assert.equal(hex(headerBytes(bigTiff, 0x0102030405)), "49492b00080000000504030201000000");
});

test("a classic directory has its entries in ascending order, and long values behind them", () => {
  const fields = [asciiField(305, "cnnt!"), { tag: 256, type: fieldType.short, values: [7] }];
  const bytes = directoryBytes(fields, classic, 0x100, 0x999);
  assert.equal(
    hex(bytes),
    [
      "0200",
      "0001 0300 01000000 07000000",
      "3101 0200 06000000 20010000",
      "99090000",
      "0000", // up to the 8-byte boundary, 0x120
      "636e6e742100 0000",
    ]
      .join("")
      .replaceAll(" ", ""),
  );
  assert.equal(directorySize(fields, classic), bytes.byteLength);
});

test("a BigTIFF directory keeps up to eight bytes in the entry", () => {
  const fields = [
    { tag: 282, type: fieldType.rational, values: [3, 2] },
    { tag: 270, type: fieldType.ascii, count: 5, offset: 0x10 },
  ];
  assert.equal(
    hex(directoryBytes(fields, bigTiff, 0x100, 0)),
    [
      "0200000000000000",
      "0e01 0200 0500000000000000 1000000000000000",
      "1a01 0500 0100000000000000 0300000002000000",
      "0000000000000000",
    ]
      .join("")
      .replaceAll(" ", ""),
  );
});
