import assert from "node:assert/strict";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Engine } from "../../runtime/job/denoise-job.ts";
import { openLedger } from "../../watcher/ledger/ledger.ts";
import { copyingEngine } from "./copying-engine.ts";
import { type RunningDaemon, repository, runDaemon } from "./running-daemon.ts";
import { onePlane, sightingOf } from "./sighting-of.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";
import { withoutRoot } from "./without-root.ts";

/** The copying engine, where `act` is called once, before the next job is read. */
function engineThatMeets(act: () => Promise<unknown>): { engine: Engine; meet: () => void } {
  const { engine } = copyingEngine();
  let next: (() => Promise<unknown>) | undefined;
  return {
    meet: () => {
      next = act;
    },
    engine: {
      ...engine,
      denoise: async (...order) => {
        const meets = next;
        next = undefined;
        await meets?.();
        return engine.denoise(...order);
      },
    },
  };
}

const oneAttempt = { jobs: { reserve_mib: 0, attempts: 1 } };

function stateOf({ said }: RunningDaemon): unknown {
  return said("folder/f/state").at(-1)?.["state"];
}

const waysToVanish = {
  "is taken away": async (incoming: string) => {
    await rename(incoming, `${incoming}-away`);
    return () => rename(`${incoming}-away`, incoming);
  },
  "is replaced by a file": async (incoming: string) => {
    await rename(incoming, `${incoming}-away`);
    await writeFile(incoming, "in the way");
    return async () => {
      await rm(incoming);
      await rename(`${incoming}-away`, incoming);
    };
  },
  "may not be read any more": async (incoming: string) => {
    await chmod(incoming, 0);
    return () => chmod(incoming, 0o755);
  },
};

for (const [how, vanish] of Object.entries(waysToVanish)) {
  test(`a watch folder that ${how} while a job runs spends no job`, async (t) => {
    withoutRoot(t);
    const folder = await temporaryFolder();
    const incoming = join(folder, "incoming");
    let comeBack: () => Promise<unknown> = assert.fail;
    const { engine, meet } = engineThatMeets(async () => {
      comeBack = await vanish(incoming);
    });
    meet();
    await mkdir(incoming);
    const names = ["a.tif", "b.tif", "c.tif"];
    for (const [index, name] of names.entries()) await writeFile(join(incoming, name), tinyTiff(index + 1));
    const daemon = await runDaemon(t, folder, engine, oneAttempt);
    await until("it is held", () => stateOf(daemon) === "unreachable");
    await until("the job is put back", () =>
      names.some((name) => daemon.lives(name).slice(-2).join() === "running,queued"),
    );
    await comeBack();
    for (const name of names) {
      await until(`${name} is done`, () => daemon.lives(name).includes("done"));
      for (const status of ["failed", "parked", "skipped"]) {
        assert.ok(!daemon.lives(name).includes(status), `${name} was ${status}`);
      }
    }
    const ends = daemon.heard.filter(({ payload }) => payload["status"] === "done");
    for (const { payload } of ends) assert.equal(payload["attempt"], 1);
    await until("all is well again", () => stateOf(daemon) === "watching");
  });
}

test("a source that is really removed while its job runs is skipped, with that reason", async (t) => {
  const folder = await temporaryFolder();
  const source = join(folder, "incoming", "a.tif");
  const { engine, meet } = engineThatMeets(() => rm(source));
  meet();
  const daemon = await runDaemon(t, folder, engine, oneAttempt);
  await writeFile(source, tinyTiff(1));
  await until("its job has ended", () => daemon.said("job/last").length > 0);
  assert.deepEqual(daemon.lives("a.tif"), ["queued", "running", "skipped"]);
  assert.equal(daemon.said("job/last").at(-1)?.["reason"], "the source was removed before it was processed");
});

test("a watch folder whose disk was mounted at the last run and is not at this start keeps its queue", async (t) => {
  const folder = await temporaryFolder();
  const disk = join(folder, "disk");
  const incoming = join(disk, "incoming");
  await mkdir(incoming, { recursive: true });
  const ledger = await openLedger(join(folder, "state"), assert.fail);
  await ledger.rememberMountPoint("f", incoming, disk);
  await ledger.admitWhole("f", sightingOf("a.tif"), onePlane);
  await ledger.close();
  const model = join(repository, "models/identity");
  const daemon = await runDaemon(t, folder, copyingEngine().engine, {
    folders: [{ name: "f", path: "disk/incoming", output: "denoised", model }],
  });
  await until("it is held", () => stateOf(daemon) === "unreachable");
  const state = daemon.said("folder/f/state").at(-1);
  assert.match(String(state?.["reason"]), /the disk of the watch folder seems not to be mounted/);
  assert.deepEqual(daemon.lives("a.tif"), []);
  assert.deepEqual(daemon.said("state").at(-1)?.["state"], "degraded");
});
