import { type Command, Option } from "commander";
import { usageError, visible } from "../../core/errors.ts";
import { type JobStatus, jobStatuses } from "../../core/job-status.ts";
import { present } from "../../core/record.ts";
import type { HistoryJob } from "../../watcher/ledger/history.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { chooseConfig, systemConfig } from "../given/system-config.ts";
import { positiveInteger, timeBefore } from "../options/option-values.ts";
import { describeEnd, sourceName, whyOf } from "../words/job-end.ts";
import { changeFolders, changeJobs, type RequestPlace, readLedger } from "./queue-requests.ts";

interface PlaceOptions {
  readonly config?: string;
  readonly state?: string;
}

interface FilterOptions extends PlaceOptions {
  readonly folder?: string;
  readonly status?: readonly JobStatus[];
  readonly since?: number;
  readonly until?: number;
}

interface QueueOptions extends FilterOptions {
  readonly limit: number;
  readonly json?: true;
}

export const defineQueue: DefineCommand = (program, io, act) => {
  const queue = withFilters(withPlace(program.command("queue")))
    .summary(
      "the jobs of a daemon, also of one that is stopped: what waits, what was done; again, or not at all",
    )
    .description(
      "Lists jobs from the daemon's ledger, the newest first. The daemon may be running or stopped. " +
        "Times are given as 2026-11-26, 2026-11-26T14:30, or as an age: 90min, 12h, 7d.",
    )
    .option("--limit <jobs>", "this many at most", positiveInteger, 50)
    .option("--json", "as JSON on stdout")
    .enablePositionalOptions()
    .action((options: QueueOptions) => act(() => list(options, io)));

  for (const [name, what] of [
    ["retry", "queues jobs again that ended without a result"],
    ["skip", "ends jobs that have not begun, without a result"],
  ] as const) {
    withFilters(withPlace(queue.command(name)))
      .description(
        `${what}: those of the sources, named as the list names them, or all that the options select`,
      )
      .argument("[source...]", "files, as the list names them")
      .action((sources: string[], own: FilterOptions, command: Command) =>
        act(async () => {
          const options = withThoseBefore(own, command);
          const question = questionOf(options);
          if (sources.length === 0 && Object.keys(question).length === 0) {
            throw usageError("nothing says which jobs", {
              code: "jobs-unnamed",
              remedy: `Name sources, or select jobs with --folder, --status, --since or --until`,
            });
          }
          return changeJobs(name, sources, question, await placeOf(options), io);
        }),
      );
  }
  for (const [name, what] of [
    [
      "pause",
      "begins no job of these watch folders until they are resumed, over restarts too; new files are noted",
    ],
    ["resume", "ends the pause of these watch folders"],
  ] as const) {
    withPlace(queue.command(name))
      .description(what)
      .argument("<folder...>", "names of watch folders")
      .action((folders: string[], own: PlaceOptions, command: Command) =>
        act(async () => {
          const { config, state, ...others } = withThoseBefore<FilterOptions>(own, command);
          const [useless] = Object.keys(others);
          if (useless !== undefined) throw notForThis(useless, name);
          return changeFolders(name, folders, await placeOf(present({ config, state })), io);
        }),
      );
  }
};

/** The options of a command with those that stand before its name: left out, they would select other jobs than a person means. */
function withThoseBefore<Options extends object>(own: Options, command: Command): Options {
  const { parent } = command;
  for (const name of ["limit", "json"]) {
    if (parent?.getOptionValueSource(name) === "cli") throw notForThis(name, command.name());
  }
  const { limit: _ofTheList, ...before } = parent?.opts<QueueOptions>() ?? { limit: 0 };
  return { ...before, ...own };
}

function notForThis(option: string, command: string) {
  return usageError(`--${option} means nothing for queue ${command}`, {
    code: "option-unused",
    remedy: "Leave it out",
  });
}

function withPlace(command: Command): Command {
  return command
    .option("--config <file>", `the daemon's configuration (default: ${systemConfig} if it exists)`)
    .option("--state <dir>", "the daemon's state folder (default: that of the configuration)");
}

function withFilters(command: Command): Command {
  return command
    .option("--folder <name>", "only jobs of this watch folder")
    .addOption(new Option("--status <status...>", "only jobs in one of these").choices(jobStatuses))
    .option("--since <time>", "only jobs since then", timeBefore)
    .option("--until <time>", "only jobs before then", timeBefore);
}

function questionOf({ folder, status: statuses, since: sinceMs, until: untilMs }: FilterOptions) {
  return present({ folder, statuses, sinceMs, untilMs });
}

async function list(options: QueueOptions, io: CommandIo): Promise<number> {
  const { state } = await placeOf(options);
  const question = questionOf(options);
  const { jobs, paused: all } = await readLedger(state, { ...question, limit: options.limit });
  const paused = all.filter(({ folder }) => (question.folder ?? folder) === folder);
  if (options.json) {
    io.stdout.write(`${JSON.stringify({ jobs, paused }, null, 2)}\n`);
    return exitCodes.done;
  }
  for (const job of jobs) io.stdout.write(`${lineOf(job)}\n`);
  if (jobs.length === 0) {
    const isAsked = Object.keys(question).length > 0;
    io.stderr.write(isAsked ? "no job of the ledger matches these options\n" : "no jobs yet\n");
  }
  for (const { folder } of paused) {
    const name = visible(folder);
    io.stderr.write(`folder ${name} is paused; \`cnnt-edge queue resume ${name}\` goes on\n`);
  }
  return exitCodes.done;
}

async function placeOf({ config: named, state }: PlaceOptions): Promise<RequestPlace> {
  if (state !== undefined) return { state };
  const { configFor } = await import("../../watcher/config/flags.ts");
  const { file } = chooseConfig(named, []);
  const config = await configFor(file, {}, process.cwd(), process.cwd());
  return { state: config.state, folders: config.folders.map(({ name }) => name) };
}

/** When, how it stands, the watch folder, and what is to say of it. */
function lineOf(job: HistoryJob): string {
  const { timeMs, status, folder, outcome } = job;
  const when = new Date(timeMs).toISOString().slice(0, "2026-11-26T14:30:00".length).replace("T", " ");
  const what = outcome === undefined ? visible(`${sourceName(job)}${whyOf(job)}`) : describeEnd(job);
  return `${when}Z  ${status.padEnd(7)}  ${folder}  ${what}`;
}
