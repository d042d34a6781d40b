import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ownMounts, withoutOwnMounts } from "../own-mounts.ts";
import { withoutMosquitto } from "../watcher/publish/brokers.ts";
import { soak } from "./soak.ts";

/**
 * Months of a facility in minutes: see `soak.ts`. Linux.
 *
 *     npm run soak [-- --kills 200 --seed 1 --writers 6 --between 4000]
 *
 * Prints a table of what was done and found, and ends with 1 where anything is not as it should be; then the folder of the
 * run is kept, and named.
 */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    writers: { type: "string", default: "6" },
    between: { type: "string", default: "4000" },
    "own-mounts": { type: "boolean", default: false },
  },
});

const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-soak-"));
if (!values["own-mounts"] && withoutOwnMounts(folder) === false) {
  // Disks that come and go are mounted where nobody else sees them.
  await rm(folder, { recursive: true });
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1), "--own-mounts"];
  process.exit(spawnSync("unshare", [...ownMounts, ...again], { stdio: "inherit" }).status ?? 1);
}
const report = await soak({
  folder,
  kills: Number(values.kills),
  seed: Number(values.seed),
  writers: Number(values.writers),
  mostBetweenKillsMs: Number(values.between),
  settle: { quiet_s: 0.5, looks: 2, zero_tail_s: 4, broken_s: 15, sweep_s: 0.5 },
  mayMount: values["own-mounts"],
  tell: (line) => void process.stderr.write(`soak: ${line}\n`),
});
if (withoutMosquitto !== false) process.stdout.write(`No broker came and went: ${withoutMosquitto}.\n`);
if (!values["own-mounts"]) process.stdout.write("No share came and went: this system lets nobody mount.\n");
const inWords = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
process.stdout.write(
  [
    `| seed | ${values.seed}, ${report.elapsedS.toFixed(0)} s |`,
    "|---|---|",
    `| acquisitions written | ${inWords(report.written)} |`,
    `| killed with SIGKILL | ${inWords(report.kills)} |`,
    `| broker gone and back | ${report.brokerGone} times |`,
    `| share gone and back | ${report.shareGone} times |`,
    `| parked after two lost engines, retried at the shell | ${report.retried} |`,
    `| jobs | ${inWords(report.jobs)} |`,
    `| results | ${report.results} |`,
    `| faults | ${report.faults.length} |`,
    "",
  ].join("\n"),
);
for (const fault of report.faults) process.stdout.write(`- ${fault}\n`);
if (report.faults.length > 0) {
  process.stdout.write(`The folder of the run: ${folder}\n`);
  process.exitCode = 1;
} else await rm(folder, { recursive: true, force: true });
