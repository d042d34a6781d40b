import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentKey, type KeyedFile } from "../../core/acquisition-key.ts";

const file: fc.Arbitrary<KeyedFile> = fc.record({
  source: fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", "b", "/", '"', "\n", ",") }),
  sizeBytes: fc.integer({ min: 0, max: 20 }),
  hashes: fc.array(fc.constantFrom("0f", "0", "f", ""), { maxLength: 3 }),
});
const files = fc.uniqueArray(file, { minLength: 1, maxLength: 5, selector: ({ source }) => source });

const sorted = (all: readonly KeyedFile[]) =>
  all.toSorted((one, other) => (one.source < other.source ? -1 : 1));

test("the order in which the files of an acquisition come does not change its key", () => {
  fc.assert(
    fc.property(
      files.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => contentKey(all) === contentKey(shuffled),
    ),
  );
});

test("two acquisitions have one key only if each of their files has one name, one size and one content", () => {
  fc.assert(
    fc.property(files, files, (one, other) => {
      const isSame = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      return (contentKey(one) === contentKey(other)) === isSame;
    }),
  );
  const [first, second] = [
    { source: "a", sizeBytes: 1, hashes: ["0", "f"] },
    { source: "a", sizeBytes: 1, hashes: ["0f"] },
  ];
  assert.notEqual(contentKey([first]), contentKey([second]));
});
