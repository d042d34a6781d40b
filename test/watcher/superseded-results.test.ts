import assert from "node:assert/strict";
import { chmod, cp, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { describeEnd } from "../../bin/words/job-end.ts";
import { provenancesIn } from "../../formats/ome/read-provenance.ts";
import { openAcquisition } from "../../formats/open.ts";
import { startEngine } from "../../runtime/engine/host.ts";
import type { Engine } from "../../runtime/job/denoise-job.ts";
import { ledgerName, openToRead } from "../../watcher/ledger/database.ts";
import { askHistory } from "../../watcher/ledger/history.ts";
import { namesIn } from "./names-in.ts";
import { type RunningDaemon, repository, runDaemon } from "./running-daemon.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { tinyTiff } from "./tiny-tiff.ts";
import { until } from "./until.ts";

const identity = join(repository, "models/identity");
/** One real engine for all that happens here. */
const real = startEngine({ models: [identity], providers: ["cpu"] });
after(() => real.stop());
const engine: Engine = { ...real, stop: async () => undefined };

const [old, marker, newest] = [
  "a.denoised.ome.tif",
  "a.denoised.ome.tif.superseded.json",
  "a.r2.denoised.ome.tif",
];

const configured = (change: Record<string, unknown> = {}) => ({
  folders: [{ name: "f", path: "incoming", output: "denoised", model: identity, ...change }],
});

/** The message of the end of a revision of `a.tif`. */
const endOf = ({ heard }: RunningDaemon, revision: number) =>
  heard.find(({ payload }) => payload["revision"] === revision && payload["status"] === "done")?.payload;

/** Other content takes the place of `a.tif`. */
async function replaceSource(folder: string, ...values: readonly number[]): Promise<void> {
  await mkdir(join(folder, "incoming"), { recursive: true });
  await writeFile(join(folder, ".new"), tinyTiff(...values));
  await rename(join(folder, ".new"), join(folder, "incoming", "a.tif"));
}

async function resultsIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(join(folder, "denoised"))).filter((name) => !name.startsWith(".")).sort();
}

/** Two contents of `a.tif`, one after the other, each with its result; answers once `settled` holds for the names of the results. */
async function twoContents(
  t: TestContext,
  folder: string,
  change: Record<string, unknown>,
  settled: (names: readonly string[]) => boolean,
  running: Engine = engine,
) {
  const daemon = await runDaemon(t, folder, running, configured(change));
  await replaceSource(folder, 1, 2);
  const first = await until("the first content is done", () => endOf(daemon, 1));
  await replaceSource(folder, 3, 4, 5);
  const second = await until("the second content is done", () => endOf(daemon, 2));
  await until("what is superseded is settled", async () => settled(await resultsIn(folder)));
  return { daemon, first, second };
}

test("a result of older content is marked beside it, and named by the newer result, its message and its done file", async (t) => {
  const folder = await temporaryFolder();
  const { daemon, first, second } = await twoContents(t, folder, { done_file: true }, (names) =>
    names.includes(marker),
  );
  const results = [old, `${old}.done.json`, marker, newest, `${newest}.done.json`];
  assert.deepEqual(await resultsIn(folder), results.sort());
  assert.deepEqual(second["supersedes"], [{ job: first["id"], output: old }]);
  const said = { result: old, job: first["id"], source_sha256: first["source_sha256"] };
  const doneFile = JSON.parse(await readFile(join(folder, "denoised", `${newest}.done.json`), "utf8"));
  assert.deepEqual(doneFile.supersedes, [said]);
  const result = await openAcquisition(join(folder, "denoised", newest));
  await result.close();
  const { original } = result.acquisition;
  const stated = original.kind === "ome-xml" ? provenancesIn(original.xml).at(-1) : [];
  const named = stated?.filter(([key]) => /^Supersede/.test(key));
  assert.deepEqual(named, [
    ["Supersedes", old],
    ["Superseded job", first["id"]],
    ["Superseded source sha256", first["source_sha256"]],
  ]);
  await until("it is told", () =>
    daemon.lines.some((line) =>
      /a\.denoised\.ome\.tif is superseded by a\.r2\.denoised\.ome\.tif$/.test(line),
    ),
  );
});

test("where superseded results are removed, only the newest is left, and the list of jobs says so", async (t) => {
  const folder = await temporaryFolder();
  const isAlone = (names: readonly string[]) => names.length === 1;
  const { daemon } = await twoContents(t, folder, { superseded: "remove" }, isAlone);
  assert.deepEqual(await resultsIn(folder), [newest]);
  assert.deepEqual(await namesIn(join(folder, "incoming")), ["a.tif"]);
  await until("it is told", () => daemon.lines.some((line) => line.endsWith("and was removed")));
  await daemon.stop();
  const ledger = openToRead(join(folder, "state", ledgerName));
  const lines = askHistory(ledger, { limit: 10 }).map(describeEnd);
  ledger.close();
  assert.equal(lines.length, 2);
  assert.match(
    lines[1] ?? "",
    /a\.denoised\.ome\.tif.*; superseded by a\.r2\.denoised\.ome\.tif and removed$/,
  );
  assert.doesNotMatch(lines[0] ?? "", /superseded/);
});

test("a kept older result names the newest one after the one between was removed", async (t) => {
  const folder = await temporaryFolder();
  const daemon = await runDaemon(t, folder, engine, configured({ superseded: "remove" }));
  await replaceSource(folder, 1, 2);
  await until("the first content is done", () => endOf(daemon, 1));
  await chmod(join(folder, "denoised", old), 0o600);
  for (const revision of [2, 3]) {
    await replaceSource(folder, ...Array.from({ length: revision + 1 }, (_, z) => 10 * revision + z));
    await until(`content ${revision} is done`, () => endOf(daemon, revision));
    const third = "a.r3.denoised.ome.tif";
    const left = [old, marker, revision === 2 ? newest : third];
    await until("only the kept one and the newest are left, and the mark names the newest", async () => {
      if ((await resultsIn(folder)).join() !== left.join()) return false;
      const said = JSON.parse(await readFile(join(folder, "denoised", marker), "utf8"));
      return said.superseded_by.result === left[2];
    });
  }
});

test("a daemon that is killed before it could remove a superseded result removes it after the next start", async (t) => {
  const folder = await temporaryFolder();
  let jobs = 0;
  const killed: Engine = {
    ...engine,
    denoise: async (job, options) => {
      const outcome = await engine.denoise(job, options);
      jobs += 1;
      // What a kill -9 leaves: the newer result has its name, and the ledger says that its job runs.
      const filter = (path: string): boolean => !path.endsWith(".sock");
      if (jobs === 2) await cp(join(folder, "state"), join(folder, "killed"), { recursive: true, filter });
      return outcome;
    },
  };
  const { daemon } = await twoContents(t, folder, {}, (names) => names.includes(marker), killed);
  await daemon.stop();
  await runDaemon(t, folder, engine, { ...configured({ superseded: "remove" }), state: "killed" });
  await until("only the newest result is left", async () => (await resultsIn(folder)).length === 1);
  assert.deepEqual(await resultsIn(folder), [newest]);
});
