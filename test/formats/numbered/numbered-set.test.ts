import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeError } from "../../../core/errors.ts";
import { type FilePattern, nameReader } from "../../../formats/numbered/file-pattern.ts";
import { inOrder, judgeNumbers } from "../../../formats/numbered/numbered-set.ts";

const template = "x_T{t}_C{c}.tif";

function judge(names: readonly string[], sizes: FilePattern["sizes"] = {}, most = 20_000) {
  const reader = nameReader(template);
  return judgeNumbers(inOrder(names.flatMap((name) => reader(name) ?? [])), { template, sizes }, most);
}

function refusal(...asked: Parameters<typeof judge>): string {
  const verdict = judge(...asked);
  assert.equal(verdict.kind, "lacking");
  return verdict.kind === "lacking" ? describeError(verdict.error) : "";
}

test("a rectangle is full wherever its numbers begin, and its files stand in their order as numbers", () => {
  const names = ["x_T10_C7.tif", "x_T9_C8.tif", "x_T10_C8.tif", "x_T9_C7.tif"];
  const verdict = judge(names);
  assert.ok(verdict.kind === "full");
  assert.equal(verdict.counted, false);
  assert.deepEqual(verdict.grid.lengths, { t: 2, c: 2, z: 1 });
  assert.deepEqual(verdict.grid.files, ["x_T9_C7.tif", "x_T9_C8.tif", "x_T10_C7.tif", "x_T10_C8.tif"]);
});

test("only sizes for all axes of the pattern say that no more files come", () => {
  const names = ["x_T0_C0.tif", "x_T0_C1.tif"];
  for (const [sizes, counted] of [
    [{ t: 1, c: 2 }, true],
    [{ c: 2 }, false],
  ] as const) {
    const verdict = judge(names, sizes);
    assert.ok(verdict.kind === "full" && verdict.counted === counted);
  }
});

test("what is missing is told by name, padded as the other names are", () => {
  assert.match(refusal(["x_T008_C1.tif", "x_T010_C1.tif"]), /no "x_T009_C1.tif"; expected 3 files/);
  assert.match(
    refusal(["x_T1_C1.tif", "x_T9_C2.tif"]),
    /no "x_T1_C2.tif", no "x_T2_C1.tif", no "x_T2_C2.tif", 13 more/,
  );
  assert.match(
    refusal(["x_T1_C1.tif"], { t: 3, c: 1 }),
    /T only from 1 to 1, 1 of 3 numbers; expected 3 files/,
  );
});

test("two files with the same numbers, and more numbers than are stated, are refused by name", () => {
  assert.match(refusal(["x_T1_C1.tif", "x_T01_C1.tif"]), /"x_T01_C1.tif" and "x_T1_C1.tif"/);
  assert.match(refusal(["x_T1_C1.tif", "x_T2_C1.tif"], { t: 1 }), /T 1 to 2; expected 1 numbers for \{t\}/);
});

test("numbers that span more files than are allowed are refused at once, however far apart they lie", () => {
  assert.match(refusal(["x_T0_C0.tif", "x_T999999999_C0.tif"]), /T 0 to 999999999.*expected 20000 files/);
  assert.match(refusal(["x_T0_C0.tif"], { t: 1_000_000_000, c: 1 }), /expected 20000 files/);
});

test("of any rectangle, all files are full in whatever order they come, and without one of them they are not", () => {
  const side = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(
      side,
      side,
      fc.nat(1000),
      fc.nat(1000),
      fc.infiniteStream(fc.nat()),
      (t, c, t0, c0, order) => {
        const names = Array.from(
          { length: t * c },
          (_, i) => `x_T${t0 + Math.floor(i / c)}_C${c0 + (i % c)}.tif`,
        );
        const shuffled = names.map((name) => ({ name, at: order.next().value })).sort((a, b) => a.at - b.at);
        const verdict = judge(shuffled.map(({ name }) => name));
        assert.ok(verdict.kind === "full");
        assert.deepEqual(verdict.grid.files, names);
        if (t * c === 1) return;
        const kept = names.toSpliced(names.length >> 1, 1);
        assert.equal(judge(kept, { t, c }).kind, "lacking");
      },
    ),
  );
});
