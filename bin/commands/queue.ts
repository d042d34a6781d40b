import { join } from "node:path";
import { Option } from "commander";
import { visible } from "../../core/errors.ts";
import { type JobStatus, jobStatuses } from "../../core/job-status.ts";
import { present } from "../../core/record.ts";
import type { HistoryJob } from "../../watcher/ledger/history.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { chooseConfig, systemConfig } from "../given/system-config.ts";
import { positiveInteger, timeBefore } from "../options/option-values.ts";
import { describeEnd, sourceName, whyOf } from "../words/job-end.ts";

interface QueueOptions {
  readonly config?: string;
  readonly state?: string;
  readonly folder?: string;
  readonly status?: readonly JobStatus[];
  readonly since?: number;
  readonly until?: number;
  readonly limit: number;
  readonly json?: true;
}

export const defineQueue: DefineCommand = (program, io, act) => {
  program
    .command("queue")
    .summary("the jobs of a daemon, also of one that is stopped: what waits, what was done")
    .description(
      "Lists jobs from the daemon's ledger, the newest first. It only reads: the daemon may be running or stopped. " +
        "Times are given as 2026-11-26, 2026-11-26T14:30, or as an age: 90min, 12h, 7d.",
    )
    .option("--config <file>", `the daemon's configuration (default: ${systemConfig} if it exists)`)
    .option("--state <dir>", "the daemon's state folder (default: that of the configuration)")
    .option("--folder <name>", "only jobs of this watch folder")
    .addOption(new Option("--status <status...>", "only jobs in one of these").choices(jobStatuses))
    .option("--since <time>", "only jobs since then", timeBefore)
    .option("--until <time>", "only jobs before then", timeBefore)
    .option("--limit <jobs>", "this many at most", positiveInteger, 50)
    .option("--json", "as JSON on stdout")
    .action((options: QueueOptions) => act(() => queue(options, io)));
};

async function queue(options: QueueOptions, io: CommandIo): Promise<number> {
  const { damagedLedger, ledgerName, openToRead } = await import("../../watcher/ledger/database.ts");
  const { askHistory } = await import("../../watcher/ledger/history.ts");
  const { folder, status: statuses, since: sinceMs, until: untilMs, limit } = options;
  const state = options.state ?? (await configuredState(options.config));
  const file = join(state, ledgerName);
  const database = openToRead(file);
  try {
    const jobs = askHistory(database, { ...present({ folder, statuses, sinceMs, untilMs }), limit });
    if (options.json) io.stdout.write(`${JSON.stringify({ jobs }, null, 2)}\n`);
    else if (jobs.length === 0) io.stderr.write("no job of the ledger is like that\n");
    else for (const job of jobs) io.stdout.write(`${lineOf(job)}\n`);
  } catch (error) {
    // Of an entry that somebody changed by hand: no JSON, or no time.
    const isOfEntry = error instanceof SyntaxError || error instanceof RangeError;
    throw isOfEntry ? damagedLedger(file, error.message, error) : error;
  } finally {
    database.close();
  }
  return exitCodes.done;
}

async function configuredState(named: string | undefined): Promise<string> {
  const { configFor } = await import("../../watcher/config/flags.ts");
  const { file } = chooseConfig(named, []);
  return (await configFor(file, {}, process.cwd(), process.cwd())).state;
}

/** When, how it stands, the watch folder, and what is to say of it. */
function lineOf(job: HistoryJob): string {
  const { timeMs, status, folder, outcome } = job;
  const when = new Date(timeMs).toISOString().slice(0, "2026-11-26T14:30:00".length).replace("T", " ");
  const what = outcome === undefined ? visible(`${sourceName(job)}${whyOf(job)}`) : describeEnd(job);
  return `${when}Z  ${status.padEnd(7)}  ${folder}  ${what}`;
}
