import assert from "node:assert/strict";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { configFor, type WatchFlags } from "../../../watcher/config/flags.ts";
import { checkPathsOnDisk } from "../../../watcher/config/paths-on-disk.ts";
import { repository } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";

async function check(folder: string, written: object, flags: WatchFlags = {}): Promise<void> {
  const file = join(folder, "c.yaml");
  await writeFile(file, JSON.stringify(written));
  await checkPathsOnDisk(await configFor(file, flags, folder, repository), flags);
}

async function refusal(folder: string, written: object, flags: WatchFlags = {}): Promise<string> {
  try {
    await check(folder, written, flags);
  } catch (error) {
    assert.ok(isEdgeError(error) && error.kind === "usage", String(error));
    return describeError(error).replaceAll(`${folder}/`, "");
  }
  return assert.fail("it was accepted");
}

const one = { name: "a", path: "in", output: "out" };

test("one folder by two names, through a link, is refused as one folder", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "real", "day"), { recursive: true });
  await symlink(join(folder, "real"), join(folder, "link"));
  assert.match(
    await refusal(folder, { folders: [{ ...one, path: "real", output: "link" }] }),
    /writes its results into its own watch folder/,
  );
  assert.match(
    await refusal(folder, {
      folders: [
        { ...one, path: "real" },
        { name: "b", path: "link/day", output: "out-b" },
      ],
    }),
    /folders "a" and "b" watch the same files/,
  );
  // Not there yet, but it would lie there.
  assert.match(
    await refusal(folder, {
      folders: [
        { ...one, path: "in", output: "link/made/later" },
        { name: "b", path: "real", output: "out-b" },
      ],
    }),
    /results of folder "a" are input of folder "b"/,
  );
  await check(folder, { folders: [{ ...one, path: "link", output: "out" }] });
});

test("a file where a folder is needed is refused, and the folder that holds it is named", async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "in"), "");
  assert.match(
    await refusal(folder, { folders: [one] }),
    /^in: this is a file, but a folder is needed\. Name the folder that holds it/,
  );
});

test("a model folder that is nearly named is refused with a question; one that may come later is waited for", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "zebrafish"));
  assert.match(
    await refusal(folder, { folders: [{ ...one, model: "zebrafsih" }] }),
    /^zebrafsih: there is no such model folder\. Did you mean zebrafish\? /,
  );
  assert.match(
    await refusal(folder, { folders: [{ ...one, channels: { 0: "zebrafis" } }] }),
    /Did you mean zebrafish\?/,
  );
  await check(folder, { folders: [{ ...one, model: "share/models/mouse" }] });
  assert.match(
    await refusal(folder, { folders: [one] }, { model: "share/models/mouse" }),
    /there is no such model folder/,
  );
});

test("a folder that is typed must be there, and is never made; one of the file may come later", async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "incoming"));
  assert.match(
    await refusal(folder, { folders: [one] }, { in: "incomming" }),
    /^incomming: the folder of --in does not exist\. Did you mean incoming\? Make it, or mount its disk or share/,
  );
  assert.match(
    await refusal(folder, { folders: [one] }, { out: "share/denoised" }),
    /^share: the folder of --out does not exist\. Make it/,
  );
  await check(folder, { folders: [one] });
  assert.deepEqual((await readdir(folder)).sort(), ["c.yaml", "incoming"]);
});

test("a password file that is missing is a mistake of the configuration", async () => {
  const folder = await temporaryFolder();
  const mqtt = { url: "mqtt://broker.lab", password_file: "pasword" };
  await writeFile(join(folder, "password"), "");
  assert.match(
    await refusal(folder, { folders: [one], mqtt }),
    /^pasword: the configuration names a file for the MQTT broker that does not exist.* Did you mean password\?/,
  );
});
