import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "../../../formats/compression/crc32c.ts";

test("crc32c gives the examples of RFC 3720, appendix B.4", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd_794e);
});
