import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../../../watcher/config/load.ts";
import { resolveConfig } from "../../../watcher/config/resolve.ts";
import type { DaemonEvents } from "../../../watcher/events/daemon-events.ts";
import { createDaemonLog } from "../../../watcher/events/daemon-log.ts";
import { createEvents } from "../../../watcher/events/event-map.ts";
import { createFolder, readFolder } from "../../../watcher/folder/folder.ts";
import type { Admission } from "../../../watcher/ledger/job.ts";
import type { Ledger } from "../../../watcher/ledger/ledger.ts";
import { holderOf } from "../folder-io/quick-folder.ts";
import { quickSettle, repository } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { until } from "../until.ts";

test("a touched file that goes before its bytes are compared is no fault of its folder, and is taken when it comes back", async (t) => {
  const root = await temporaryFolder();
  const source = join(root, "in", "a.tif");
  await mkdir(join(root, "in"));
  const model = join(repository, "models/identity");
  const written = { folders: [{ name: "f", path: "in", output: "out", model }], settle: quickSettle };
  const config = resolveConfig(parseConfig(JSON.stringify(written), "test"), root, root);
  const [of] = await Promise.all(config.folders.map(readFolder));
  assert.ok(of !== undefined);
  let compared: unknown;
  const ledger = {
    knownFiles: async () => [],
    waitingFiles: async () => [],
    mountPoint: async () => undefined,
    rememberMountPoint: async () => undefined,
    admitWhole: async (_folder, _seen, _facts, options): Promise<Admission> => {
      compared = options?.wholeHashes;
      if (compared !== undefined) return { kind: "unchanged" };
      if (asked === 0) await rm(source);
      asked += 1;
      return { kind: "touched", sources: ["a.tif"] };
    },
  } satisfies Partial<Ledger> as Partial<Ledger> as Ledger;
  let asked = 0;
  const problems: unknown[] = [];
  const log = createDaemonLog({
    info: () => undefined,
    problem: (_level, error) => void problems.push(error),
  });
  const events = createEvents<DaemonEvents>((error) => assert.fail(String(error)));
  const folder = createFolder(events, {
    ...of,
    settle: config.settle,
    makePath: false,
    holder: holderOf("one"),
    ledger,
    log,
  });
  t.after(folder.io.stop);
  await writeFile(source, tinyTiff(1));
  folder.io.start();
  await until("it was to be compared", () => asked === 1);
  const seen = folder.lastSeen();
  await until("the folder was swept after that", () => folder.lastSeen() !== seen);
  await writeFile(source, tinyTiff(1));
  await until("it was compared", () => compared !== undefined);
  assert.deepEqual([problems, folder.facts().unreachable], [[], undefined]);
});
