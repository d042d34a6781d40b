import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { openLedger } from "../../../watcher/ledger/ledger.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { withoutRoot } from "../without-root.ts";

const writer = join(import.meta.dirname, "endless-writer.ts");

test("what the ledger said is written is there after kill -9, and nothing is half there", async () => {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), writer, folder, "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const told: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    told.push(line);
    if (told.length === 50) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  const ledger = await openLedger(folder, () => undefined);
  assert.ok(told.length >= 50, `${told.length} were told`);
  for (const id of told) assert.equal((await ledger.job(id))?.status, "queued", `job ${id}`);
  await ledger.close();
});

test("a second daemon on the same state folder is refused, also by another process that was killed since", async () => {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), writer, folder, "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await assert.rejects(
    openLedger(folder, () => undefined),
    (error) => isEdgeError(error, "instance-running"),
  );
  child.kill("SIGKILL");
  await once(child, "exit");
  await (await openLedger(folder, () => undefined)).close();
});

test("a damaged ledger is named, and left as it is", async () => {
  const folder = await temporaryFolder();
  await writeFile(
    join(folder, "ledger.sqlite"),
    "this is no database, but it is long enough to be looked at".repeat(50),
  );
  await assert.rejects(
    openLedger(folder, () => undefined),
    (error) => isEdgeError(error, "ledger-damaged"),
  );
});

const notWritable = [
  { what: "an empty state folder", used: false, folderMode: 0o555 },
  { what: "a state folder that was used before", used: true, folderMode: 0o555 },
  { what: "the ledger in a state folder", used: true, folderMode: 0o777 },
];
for (const { what, used, folderMode } of notWritable) {
  test(`where the user may not write to ${what}, that is said, and not that another daemon runs`, async (t) => {
    const folder = await temporaryFolder();
    if (used) await (await openLedger(folder, () => undefined)).close();
    for (const name of await readdir(folder)) await chmod(join(folder, name), 0o444);
    await chmod(folder, folderMode);
    withoutRoot(t);
    const refusal = await openLedger(folder, () => undefined).then(
      async (ledger) => {
        await ledger.close();
        assert.fail("it was opened");
      },
      (error: unknown) => error,
    );
    assert.ok(isEdgeError(refusal, "ledger-unusable"), describeError(refusal));
    assert.match(refusal.remedy ?? "", /write to the state folder/);
    assert.doesNotMatch(describeError(refusal), /UNKNOWN|ConnectionFailed/);
  });
}

test("what is asked of a ledger that is closed is no loss", async () => {
  const losses: unknown[] = [];
  const ledger = await openLedger(await temporaryFolder(), (error) => losses.push(error));
  const closing = ledger.close();
  const late = ledger.counts().then(
    () => "answered",
    () => "refused",
  );
  await closing;
  const pause = new Promise((resolve) => setTimeout(resolve, 200, "nothing"));
  assert.equal(await Promise.race([late, pause]), "nothing");
  assert.deepEqual(losses, []);
});
