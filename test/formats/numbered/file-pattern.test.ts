import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nameOf, nameReader, templateProblem } from "../../../formats/numbered/file-pattern.ts";

const read = (template: string, file: string) => {
  const found = nameReader(template)(file);
  return found && { ...found.numbers, name: found.written["name"] };
};

test("a name is read as its pattern says, with leading zeros and without", () => {
  const template = "{name}_T{t}_C{c}.tif";
  assert.deepEqual(read(template, "embryo_T003_C1.tif"), { t: 3, c: 1, z: 0, name: "embryo" });
  assert.deepEqual(read(template, "a/b/embryo_T3_C01.TIF"), { t: 3, c: 1, z: 0, name: "embryo" });
  assert.deepEqual(read(template, "a_T1_C2_T3_C4.tif"), { t: 3, c: 4, z: 0, name: "a_T1_C2" });
  for (const other of [
    "embryo_T3.tif",
    "embryo_t3_C1.tif",
    "_T3_C1.tif",
    "embryo_T3_C1.tiff",
    "embryo_T1234567890_C1.tif",
  ])
    assert.equal(read(template, other), undefined, other);
});

test("characters of a pattern that mean something elsewhere stand for themselves", () => {
  assert.deepEqual(read("{name} (t={t}) [z+{z}]*.ome.tif", "x (t=4) [z+5]*.OME.tif"), {
    t: 4,
    c: 0,
    z: 5,
    name: "x",
  });
  assert.equal(read("{name}.{t}.tif", "x_4.tif"), undefined);
});

test("all digits before the next text belong to a number that follows a name", () => {
  assert.deepEqual(read("{name}{t}.tif", "scan12.tif"), { t: 12, c: 0, z: 0, name: "scan" });
});

test("files of other names, folders and positions are other acquisitions", () => {
  const reader = nameReader("{name}_s{s}_t{t}.tif");
  const of = (file: string) => reader(file)?.acquisition;
  assert.equal(of("a_s1_t1.tif"), of("a_s01_t2.tif"));
  assert.equal(new Set(["a_s1_t1.tif", "a_s2_t1.tif", "b_s1_t1.tif", "x/a_s1_t1.tif"].map(of)).size, 4);
});

test("a number that counts all files belongs to no acquisition more than to another", () => {
  const template = "{i}_t{t}_z{z}.tif";
  assert.deepEqual(read(template, "00007_t0001_z002.tif"), { t: 1, c: 0, z: 2, name: undefined });
  const reader = nameReader(template);
  assert.equal(reader("00007_t0001_z002.tif")?.acquisition, reader("8_t0002_z002.tif")?.acquisition);
  const numbers = { t: 1, c: 0, z: 3 };
  assert.equal(nameOf(template, { written: {} }, numbers, { t: 4, c: 0, z: 0 }), "*_t0001_z3.tif");
});

test("a pattern that is none is refused with the reason", () => {
  for (const [template, reason] of [
    ["{name}_{q}.tif", /\{q\} is no placeholder/],
    ["{name}_{t.tif", /no partner/],
    ["raw/{name}_{t}.tif", /without a folder/],
    ["{t}_{t}.tif", /twice/],
    ["{name}_{s}.tif", /needs \{t\}, \{c\} or \{z\}/],
    ["{name}_{t}.lif", /end as the names of TIFFs/],
    ["{name}_{t}", /end as the names of TIFFs/],
    ["{name}_{t}{c}.tif", /text must stand between/],
    ["{t}{name}.tif", /text must stand between/],
  ] as const)
    assert.match(templateProblem(template) ?? "", reason, template);
  for (const template of ["{name}_T{t}_C{c}.tif", "{t}.TIFF", "{name}{z}.ome.tif", "img_{c}_{name}_{t}.stk"])
    assert.equal(templateProblem(template), undefined, template);
});

test("a name that a pattern made is read back as the numbers that it was made of", () => {
  const number = fc.nat(99_999);
  const text = fc.stringMatching(/^[a-zA-Z_.-]{1,12}$/);
  fc.assert(
    fc.property(text, number, number, number, fc.nat(4), (name, t, c, z, digits) => {
      const template = "{name}_t{t}_c{c}z{z}.tif";
      const file = nameOf(template, { written: { name } }, { t, c, z }, { t: digits, c: digits, z: digits });
      assert.deepEqual(read(template, file), { t, c, z, name });
    }),
  );
});
