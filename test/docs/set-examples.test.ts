import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { nameReader } from "../../formats/numbered/file-pattern.ts";
import { runHere } from "../commands/run-command.ts";
import { buildTiff, numberedPages } from "../formats/build-tiff.ts";
import { writeMicroManager } from "../formats/described/micro-manager-files.ts";
import { writeNdSet } from "../formats/described/nd-files.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { fencedBlocks, pageText } from "./fenced-blocks.ts";

const page = "docs/reading.md";

/** What the page shows of a command: the lines below it, up to the next command. */
function shownAfter(command: string): readonly string[] {
  for (const { lines } of fencedBlocks(page)) {
    const at = lines.indexOf(`$ ${command}`);
    if (at < 0) continue;
    const below = lines.slice(at + 1);
    const end = below.findIndex((line) => line.startsWith("$ "));
    return end < 0 ? below : below.slice(0, end);
  }
  return assert.fail(`${page} does not show ${command}`);
}

const size = [256, 256] as const;
const lasX = "{name}_t{t}_z{z}_ch{c}.tif";

async function writeLasX(folder: string): Promise<void> {
  await mkdir(join(folder, "MetaData"), { recursive: true });
  await writeFile(join(folder, "MetaData/Project_Series002.xml"), "<Data/>");
  for (const t of [0, 1]) {
    for (const z of [0, 1, 2]) {
      for (const c of [0, 1]) {
        const name = `Project_Series002_t0${t}_z0${z}_ch0${c}.tif`;
        await writeFile(join(folder, name), buildTiff(numberedPages(1, ...size, 100 * t + 10 * z + c)));
      }
    }
  }
}

const sets = [
  {
    what: "MetaMorph's .nd",
    list: "ls",
    info: ["info", "dish.nd"],
    write: (root: string) =>
      writeNdSet(root, "dish", {
        timePoints: 2,
        stages: ["left", "right"],
        waves: ["CFP", "YFP"],
        zSteps: 5,
        size,
      }),
  },
  {
    what: "Micro-Manager's planes",
    list: "ls exp_1/Default",
    info: ["info", "exp_1/Default/metadata.txt"],
    write: (root: string) =>
      writeMicroManager(join(root, "exp_1/Default"), { version: "2.0", t: 2, c: 2, z: 3, size }),
  },
  {
    what: "an export of LAS X",
    list: "ls Project",
    info: ["info", "--pattern", lasX, "Project/Project_Series002_t00_z00_ch00.tif"],
    write: (root: string) => writeLasX(join(root, "Project")),
  },
] as const;

for (const { what, list, info, write } of sets) {
  test(`the page that says what is read shows the files of ${what} and what info prints of them`, async () => {
    const root = await temporaryFolder();
    await write(root);
    const files = await readdir(join(root, list.slice("ls ".length)));
    assert.deepEqual(shownAfter(list), files.sort());
    const { code, stdout, stderr } = await runHere([...info], root);
    assert.equal(code, 0, stderr);
    const words = info.map((word) => (word === lasX ? `'${word}'` : word)).join(" ");
    assert.deepEqual(shownAfter(`cnnt-edge ${words}`), stdout.trimEnd().split("\n"));
    await rm(root, { recursive: true });
  });
}

test("each name of an export of LAS X that the page shows is read by the pattern beside it, and is the first of its acquisition", () => {
  const rows = [...pageText(page).matchAll(/^\| `([^`]+_ch00\.tif)` \| `"([^`]+)"` \|/gm)];
  assert.ok(rows.length >= 7, `${rows.length} rows`);
  for (const [, name = "", template = ""] of rows) {
    const read = nameReader(template);
    const first = read(name);
    assert.deepEqual(first?.numbers, { t: 0, c: 0, z: 0 }, name);
    for (const [part, axis] of [
      ["_t00", "t"],
      ["_z00", "z"],
      ["_z000", "z"],
      ["_ch00", "c"],
    ] as const) {
      const next = name.replace(new RegExp(`${part}(?!\\d)`), part.replace(/0$/, "7"));
      if (next === name) continue;
      const other = read(next);
      assert.deepEqual([other?.acquisition, other?.numbers[axis]], [first?.acquisition, 7], next);
    }
    // Another tile, position or series is another acquisition.
    const elsewhere = name.replace(/_s00|Pos004|Series002/, (part) => part.replace(/\d$/, "9"));
    if (elsewhere !== name) assert.notEqual(read(elsewhere)?.acquisition, first?.acquisition, elsewhere);
  }
});
