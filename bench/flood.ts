/**
 * Many small files at once: jobs a second, what each process takes for them, and whether memory, open files and the
 * daemon's event loop stay as they are. Linux.
 *
 *     npm run bench:flood [-- --files 20000 --runs 1 --beside OTHER_CHECKOUT]
 *
 * With `--beside`, that checkout does the same files in turns with this one. Prints a table.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { systemCode } from "../core/errors.ts";
import { median } from "../core/median.ts";
import { tinyTiff } from "../test/watcher/tiny-tiff.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "20000" },
    runs: { type: "string", default: "1" },
    beside: { type: "string" },
  },
});
const files = Number(values.files);
const checkouts = [
  resolve(import.meta.dirname, ".."),
  ...(values.beside === undefined ? [] : [resolve(values.beside)]),
];

/** Roles of processes by what their command lines hold. */
const roles = {
  daemon: "bin/cnnt-edge.js",
  "folder process": "folder-io/child",
  engine: "engine/child",
} as const;
type Role = keyof typeof roles;

interface ProcessFacts {
  readonly processorS: number;
  readonly residentMb: number;
  readonly openFiles: number;
}

interface Flood {
  readonly seconds: number;
  /** At a quarter of the files, and at all. */
  readonly early: Readonly<Record<Role, ProcessFacts>>;
  readonly late: Readonly<Record<Role, ProcessFacts>>;
  readonly ledgerBytesAJob: number;
  readonly loopP999Ms: number;
  readonly loopLongestMs: number;
}

const clockTicksPerS = 100;
const pageBytes = 4096;

function factsOf(pid: number): ProcessFacts {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the command in brackets, which may hold spaces: state is field 3; user and system time 14 and 15; pages 24.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    processorS: (Number(fields[11]) + Number(fields[12])) / clockTicksPerS,
    residentMb: (Number(fields[21]) * pageBytes) / 1e6,
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** Undefined where it plays none of the roles, or has just ended. */
function roleAndFacts(pid: number): { role: Role; facts: ProcessFacts } | undefined {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    const role = (["folder process", "engine"] as const).find((one) => command.includes(roles[one]));
    return role && { role, facts: factsOf(pid) };
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ESRCH") return undefined;
    throw error;
  }
}

/**
 * The daemon and its processes as they are; `spentS`: processor time by process. A role's time is that of all its processes
 * so far, because the engine's is replaced after a thousand jobs.
 */
function processesOf(daemonPid: number, spentS: Map<string, number>): Record<Role, ProcessFacts> {
  const found: Partial<Record<Role, ProcessFacts>> = { daemon: factsOf(daemonPid) };
  for (const task of readdirSync(`/proc/${daemonPid}/task`)) {
    const children = readFileSync(`/proc/${daemonPid}/task/${task}/children`, "utf8").trim().split(" ");
    for (const child of children.filter((one) => one !== "")) {
      const known = roleAndFacts(Number(child));
      if (known === undefined) continue;
      const { role, facts } = known;
      spentS.set(`${role} ${child}`, facts.processorS);
      found[role] = facts;
    }
  }
  const of = (role: Role): ProcessFacts => {
    const now = found[role] ?? { processorS: 0, residentMb: 0, openFiles: 0 };
    if (role === "daemon") return now;
    const all = [...spentS].filter(([whose]) => whose.startsWith(role));
    return { ...now, processorS: all.reduce((sum, [, seconds]) => sum + seconds, 0) };
  };
  return { daemon: of("daemon"), "folder process": of("folder process"), engine: of("engine") };
}

async function flood(checkout: string): Promise<Flood> {
  const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-flood-"));
  let daemon: ChildProcess | undefined;
  try {
    for (const name of ["incoming", "denoised", "staged"]) await mkdir(join(folder, name));
    for (let index = 0; index < files; index += 1) {
      await writeFile(
        join(folder, "staged", `f${index}.tif`),
        tinyTiff(1 + (index % 60_000), 1 + (index % 251), 7),
      );
    }
    const model = join(checkout, "models/identity");
    const config = {
      instance: "flood",
      folders: [{ name: "f", path: "incoming", output: "denoised", model }],
      engine: { require: "cpu" },
      jobs: { reserve_mib: 0 },
      mqtt: { port: 0 },
    };
    await writeFile(join(folder, "config.yaml"), JSON.stringify(config));
    const log = openSync(join(folder, "log"), "w");
    const delays = join(folder, "delays.json");
    const program = join(checkout, "bin/cnnt-edge.js");
    const preload = pathToFileURL(join(import.meta.dirname, "flood-loop-delay.js"));
    daemon = spawn(
      process.execPath,
      ["--import", preload.href, program, "watch", "--config", "config.yaml"],
      { cwd: folder, stdio: ["ignore", log, log], env: { ...process.env, CNNT_EDGE_FLOOD_DELAYS: delays } },
    );
    closeSync(log);
    const pid = daemon.pid ?? 0;
    while (!readFileSync(join(folder, "log"), "utf8").includes("Provider: cpu")) {
      if (daemon.exitCode !== null) throw new Error(readFileSync(join(folder, "log"), "utf8"));
      await sleep(200);
    }
    const beganMs = performance.now();
    for (const name of readdirSync(join(folder, "staged"))) {
      await rename(join(folder, "staged", name), join(folder, "incoming", name));
    }
    let early: Flood["early"] | undefined;
    const spentS = new Map<string, number>();
    for (;;) {
      await sleep(500);
      const done = readdirSync(join(folder, "denoised")).filter((name) => !name.startsWith(".")).length;
      const now = processesOf(pid, spentS);
      if (done >= files / 4) early ??= now;
      if (done >= files) break;
      if (daemon.exitCode !== null) throw new Error(readFileSync(join(folder, "log"), "utf8").slice(-2000));
    }
    const seconds = (performance.now() - beganMs) / 1000;
    const late = processesOf(pid, spentS);
    daemon.kill("SIGTERM");
    await once(daemon, "exit");
    const ledger = readdirSync(join(folder, "state")).filter((name) => name.startsWith("ledger.sqlite"));
    const bytes = ledger.reduce((sum, name) => sum + statSync(join(folder, "state", name)).size, 0);
    const { p999Ms, longestMs } = JSON.parse(readFileSync(delays, "utf8"));
    return {
      seconds,
      early: early ?? late,
      late,
      ledgerBytesAJob: bytes / files,
      loopP999Ms: p999Ms,
      loopLongestMs: longestMs,
    };
  } finally {
    daemon?.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const floods = new Map<string, Flood[]>(checkouts.map((checkout) => [checkout, []]));
for (let run = 0; run < Number(values.runs); run += 1) {
  for (const checkout of checkouts) {
    const one = await flood(checkout);
    floods.get(checkout)?.push(one);
    process.stderr.write(`${checkout}: ${(files / one.seconds).toFixed(1)} jobs a second\n`);
  }
}
const row = (name: string, value: (one: Flood) => number, digits: number): string => {
  const cells = [...floods.values()].map((each) => median(each.map(value)).toFixed(digits));
  return `| ${[name, ...cells].join(" | ")} |`;
};
const rows = [
  row("seconds", ({ seconds }) => seconds, 0),
  row("jobs a second", ({ seconds }) => files / seconds, 1),
  ...(Object.keys(roles) as Role[]).flatMap((role) => [
    row(`${role}: processor ms a job`, ({ late }) => (1000 * late[role].processorS) / files, 1),
    row(`${role}: resident MB at a quarter`, ({ early }) => early[role].residentMb, 0),
    row(`${role}: resident MB at the end`, ({ late }) => late[role].residentMb, 0),
    row(`${role}: open files at a quarter`, ({ early }) => early[role].openFiles, 0),
    row(`${role}: open files at the end`, ({ late }) => late[role].openFiles, 0),
  ]),
  row("ledger, bytes a job", ({ ledgerBytesAJob }) => ledgerBytesAJob, 0),
  row("event loop of the daemon, p99.9 ms", ({ loopP999Ms }) => loopP999Ms, 1),
  row("event loop of the daemon, longest ms", ({ loopLongestMs }) => loopLongestMs, 1),
];
const heads = ["this checkout", ...(values.beside === undefined ? [] : ["the other one"])];
process.stdout.write(
  `${[`| ${files} files, ${values.runs} runs | ${heads.join(" | ")} |`, `|---|${heads.map(() => "---:|").join("")}`, ...rows].join("\n")}\n`,
);
