import assert from "node:assert/strict";
import { cp, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { copyingEngine } from "./copying-engine.ts";
import { repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

/** A configuration that is edited while its daemon runs. */

const identity = join(repository, "models/identity");

interface Written {
  folders: Record<string, unknown>[];
  [section: string]: unknown;
}

test("a folder runs the model that its configuration names by now; what else was changed waits for a restart", async (t) => {
  const folder = await temporaryFolder();
  const file = join(folder, "config.yaml");
  const other = join(folder, "other");
  await cp(identity, other, { recursive: true });
  const { engine, orders } = copyingEngine();
  const { lives, said, lines } = await runDaemon(t, folder, engine, {}, file);
  const edit = async (change: (config: Written) => void): Promise<void> => {
    const config = JSON.parse(await readFile(file, "utf8")) as Written;
    change(config);
    // As editors do.
    await writeFile(`${file}.new`, JSON.stringify(config));
    await rename(`${file}.new`, file);
  };
  const inFolder = (options: Record<string, unknown>) =>
    edit(({ folders }) => Object.assign(folders[0] ?? {}, options));
  const drop = async (name: string): Promise<string | undefined> => {
    await writeFile(join(folder, "incoming", name), tinyTiff(orders.length + 1));
    await until(`${name} is done`, () => lives(name).includes("done"));
    return orders.at(-1)?.models?.default;
  };
  const told = (words: RegExp) => until(String(words), () => lines.find((line) => words.test(line)));
  assert.equal(await drop("a.tif"), identity);

  await inFolder({ model: "other", tile: [8, 64, 64] });
  await told(/f: the configuration gives it another model: .*other/);
  await told(/config\.yaml has changed: folders\.tile \(f\)\. Restart the daemon/);
  await until(
    "the new model is told",
    () =>
      said("info").at(-1)?.["folders"]?.toString() !== undefined &&
      JSON.stringify(said("info").at(-1)).includes('"model":"other"'),
  );
  assert.equal(await drop("b.tif"), other);
  assert.equal(orders.at(-1)?.tile, undefined);

  await inFolder({ model: "nowhere" });
  const held = await until("the folder is held", () =>
    said("folder/f/state").findLast((one) => one["state"] === "error"),
  );
  assert.match(String(held["reason"]), /nowhere/);
  await writeFile(join(folder, "incoming", "c.tif"), tinyTiff(9));

  await edit((config) => Object.assign(config, { folders: [{ modle: 1 }] }));
  await told(/there is no option "modle"/);
  const refusals = (): number => lines.filter((line) => /"modle"/.test(line)).length;
  assert.equal(refusals(), 1);
  await edit((config) =>
    Object.assign(config, { folders: [{ name: "f", path: "incoming", output: "denoised", model: "other" }] }),
  );
  await told(/config\.yaml is in order again/);
  await until("c.tif is done", () => lives("c.tif").includes("done"));
  assert.equal(orders.at(-1)?.models?.default, other);
});
