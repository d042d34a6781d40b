import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createWrittenFiles, type FileEvent } from "../../../watcher/intake/written-files.ts";

const path = "/in/a.tif";
type Step = Extract<FileEvent, { path: string; cookie?: never }>["kind"];

/** What is known of a file after these events. */
function endAfter(...steps: readonly (Step | FileEvent)[]) {
  const files = createWrittenFiles();
  for (const step of steps) files.note(typeof step === "string" ? { kind: step, path } : step);
  return files.endOf(path);
}
const from = (name: string, cookie: number): FileEvent => ({
  kind: "moved-from",
  path: `/in/${name}`,
  cookie,
});
const to = (name: string, cookie: number): FileEvent => ({ kind: "moved-to", path: `/in/${name}`, cookie });

test("a file has ended when its writer closes it, and not before", () => {
  assert.equal(endAfter("made", "opened", "written"), undefined);
  assert.equal(endAfter("made", "opened", "written", "closed-writer"), "closed");
});

test("a writer that was there before anybody looked ends as well", () => {
  assert.equal(endAfter("written"), undefined);
  assert.equal(endAfter("written", "closed-writer"), "closed");
  assert.equal(endAfter("closed"), undefined);
});

test("as long as anybody has it open, also to read, it is not known that a file has ended", () => {
  const ended = ["made", "opened", "written", "closed-writer"] as const;
  assert.equal(endAfter(...ended, "opened"), undefined);
  assert.equal(endAfter(...ended, "opened", "closed"), "closed");
  assert.equal(endAfter("made", "opened", "opened", "written", "closed-writer"), undefined);
});

test("a file that is written again has not ended, although a reader closes it", () => {
  const again = ["opened", "written", "closed-writer", "opened", "written", "closed"] as const;
  assert.equal(endAfter(...again), undefined);
  assert.equal(endAfter(...again, "closed-writer"), "closed");
});

test("a file that is renamed into its place has ended, unless it is open still", () => {
  assert.equal(endAfter(to("a.tif", 1)), "renamed");
  const partial = { path: "/in/a.part" };
  const written: FileEvent[] = [
    { kind: "made", ...partial },
    { kind: "opened", ...partial },
    { kind: "written", ...partial },
  ];
  const moved = [from("a.part", 5), to("a.tif", 5)];
  assert.equal(endAfter(...written, { kind: "closed-writer", ...partial }, ...moved), "renamed");
  assert.equal(endAfter(...written, ...moved), undefined);
  assert.equal(endAfter(...written, ...moved, "closed-writer"), "closed");
});

test("nothing is known of a file that left, of a folder that was renamed, and once the kernel lost events", () => {
  const ended = ["made", "opened", "closed-writer"] as const;
  assert.equal(endAfter(...ended, "left"), undefined);
  assert.equal(endAfter(...ended, from("a.tif", 1)), undefined);
  assert.equal(endAfter(...ended, { kind: "folder-left", path: "/in" }), undefined);
  assert.equal(endAfter(...ended, { kind: "folder-left", path: "/i" }), "closed");
  assert.equal(endAfter(...ended, { kind: "lost" }), undefined);
});

test("whoever writes and reads in whatever order, a file has never ended while one of them has it open", () => {
  const programs = fc.array(
    fc.record({ writes: fc.boolean(), opens: fc.nat(20), lasts: fc.integer({ min: 1, max: 20 }) }),
    {
      minLength: 1,
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(programs, (all) => {
      const files = createWrittenFiles();
      for (let time = 0; time <= 45; time += 1) {
        for (const { writes, opens, lasts } of all) {
          if (time === opens) files.note({ kind: "opened", path });
          if (writes && time >= opens && time < opens + lasts) files.note({ kind: "written", path });
          if (time === opens + lasts) files.note({ kind: writes ? "closed-writer" : "closed", path });
        }
        const isOpen = all.some(({ opens, lasts }) => time >= opens && time < opens + lasts);
        if (isOpen) assert.equal(files.endOf(path), undefined);
      }
      const isWritten = all.some(({ writes }) => writes);
      // A reader that closes after the last write tells nothing of the writer.
      if (isWritten) assert.equal(files.endOf(path), "closed");
    }),
  );
});
