import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { simulate } from "../../calibration/simulation/simulated-source.ts";
import type { Simulation } from "../../calibration/simulation/simulation.ts";
import { writeSimulation } from "../../calibration/simulation/write-simulation.ts";
import { openDatabase } from "../../watcher/ledger/database.ts";
import { createJobStore } from "../../watcher/ledger/job-store.ts";
import { repository } from "../watcher/running-daemon.ts";
import { sightingOf } from "../watcher/sighting-of.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";

/** What a working clone has beside the sources, and a command may change: not shared with the real one. */
const ownFolders: ReadonlySet<string> = new Set([
  ".git",
  "models",
  "incoming",
  "denoised",
  "state",
  "calibration",
  "played",
]);

const small: Simulation = {
  sizes: { t: 1, c: 1, z: 8, y: 64, x: 64 },
  photons: 20,
  camera: { gain: 2, offset: 100, readNoise: 1.6 },
  sampleType: "uint16",
  seed: 5,
};

/**
 * A folder that looks like a fresh clone to whoever pastes a command into it: everything of the repository by symbolic
 * link, a `models/` of its own, `cnnt-edge` on the path (in `.bin`), and the files that the pages speak of.
 */
export async function makeStage(): Promise<string> {
  const stage = await temporaryFolder();
  for (const name of await readdir(repository)) {
    if (!ownFolders.has(name)) await symlink(join(repository, name), join(stage, name));
  }
  await mkdir(join(stage, "models"));
  for (const name of ["default", "identity"]) {
    await symlink(join(repository, "models", name), join(stage, "models", name));
  }
  await cp(join(repository, "models/identity"), join(stage, "models/mine"), { recursive: true });

  await mkdir(join(stage, ".bin"));
  const program = `#!/bin/sh\nexec "${process.execPath}" "${join(repository, "bin/cnnt-edge.js")}" "$@"\n`;
  await writeFile(join(stage, ".bin/cnnt-edge"), program, { mode: 0o755 });

  await mkdir(join(stage, "state"));
  const ledger = openDatabase(join(stage, "state/ledger.sqlite"));
  const waiting = sightingOf("overview.tif");
  createJobStore(ledger, Date.now).admitWhole("incoming", waiting, { sampleBytes: 128, voxels: [64] });
  ledger.close();

  const fixtures = join(repository, "test/fixtures");
  await cp(join(fixtures, "cnnt/no-mixer/weights.pt"), join(stage, "weights.pth"));
  await cp(join(fixtures, "cnnt/no-mixer/config.json"), join(stage, "weights.json"));
  await cp(join(fixtures, "zoo/stacks-05"), join(stage, "denoiser"), { recursive: true });
  for (const name of ["stack.tif", "scan.ome.tif", "fish.tif"]) {
    await writeSimulation(small, simulate(small), { noisy: join(stage, name) });
  }
  return stage;
}
