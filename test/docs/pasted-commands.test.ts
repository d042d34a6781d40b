import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { asShipped } from "../as-shipped.ts";
import { repository } from "../watcher/running-daemon.ts";
import { until } from "../watcher/until.ts";
import { commandsOf, fencedBlocks, pages } from "./fenced-blocks.ts";
import { notPasted } from "./not-pasted.ts";
import { makeStage } from "./stage.ts";

/** Fenced blocks without a language are drawings and logs; commands stand in `sh`. */
const shells: ReadonlySet<string> = new Set(["sh", "bash"]);
const limitMs = 240_000;
const pasteAll = process.env["CNNT_EDGE_PASTE_ALL"] === "1";

interface Pasted {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/** Starts one line in a shell, as a person would, in a process group of its own. */
function paste(line: string, stage: string, env: NodeJS.ProcessEnv): Pasted {
  const child = spawn("bash", ["-c", line], {
    cwd: stage,
    env: { ...env, PATH: `${stage}/.bin:${process.env["PATH"] ?? ""}` },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  return { child, output: () => text };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, signal);
}

/** What the stage shares with the repository must stay as it is. */
function filesOfSources(): string[] {
  const shared = readdirSync(repository).filter((name) => ![".git", "node_modules"].includes(name));
  return shared.flatMap((name) => {
    const path = join(repository, name);
    if (!statSync(path).isDirectory()) return [name];
    return readdirSync(path, { recursive: true, encoding: "utf8" }).map((below) => join(name, below));
  });
}

function installed(program: string): boolean {
  return spawnSync(program, ["-V"]).error === undefined;
}

function goodEnds(line: string): readonly (number | string)[] {
  // After Ctrl-C npm dies of the signal too, once the daemon has ended.
  if (line.startsWith("npm start")) return [0, 130, "SIGINT"];
  // 1: nothing is installed, and what is lacking is listed.
  if (line === "cnnt-edge gpu status") return [0, 1];
  return [0];
}

/** Until it ends by itself; the daemon until it says what runs, then Ctrl-C. */
async function run(line: string, stage: string, env: NodeJS.ProcessEnv): Promise<string> {
  const { child, output } = paste(line, stage, env);
  const closed = once(child, "close");
  const late = setTimeout(() => signalGroup(child, "SIGKILL"), limitMs);
  try {
    if (/\b(npm start|cnnt-edge watch)\b/.test(line)) {
      const ended = () => child.exitCode !== null;
      await until(`${line} says what runs`, () => /Provider: \w+/.test(output()) || ended(), limitMs);
      assert.ok(!ended(), `${line} ended:\n${output()}`);
      signalGroup(child, "SIGINT");
    }
    await closed;
    const end = child.exitCode ?? child.signalCode ?? "nothing";
    assert.ok(goodEnds(line).includes(end), `${line} ended with ${end}:\n${output()}`);
    assert.doesNotMatch(output(), /internal error|\n {4}at /, line);
    return output();
  } finally {
    clearTimeout(late);
    signalGroup(child, "SIGKILL");
  }
}

for (const page of pages) {
  const blocks = fencedBlocks(page).filter(({ language }) => shells.has(language));
  if (blocks.length === 0) continue;
  test(`${page}: each command does what the page says when it is pasted`, async (t) => {
    const stage = await makeStage();
    const before = filesOfSources();
    // What a new user pastes first.
    const env = page === "README.md" ? asShipped() : process.env;
    for (const block of blocks) {
      for (const line of commandsOf(block)) {
        const left = notPasted.find(({ starts }) => line.startsWith(starts));
        if (left !== undefined && !(pasteAll && left.why === "minutes")) {
          t.diagnostic(`line ${block.line}: not run (${left.why}; ${left.instead}): ${line}`);
        } else if (/\bstrace /.test(line) && !installed("strace")) {
          t.diagnostic(`line ${block.line}: not run (strace is not installed): ${line}`);
        } else await run(line, stage, env);
      }
    }
    assert.deepEqual(filesOfSources(), before, "a pasted command wrote among the sources");
  });
}

test("fenced commands are marked as such, so that they are tried", () => {
  const command = /^(npm|npx|node|cnnt-edge|sudo|git|systemctl|mosquitto_(sub|pub)|docker|curl|pip) /;
  const unmarked = pages
    .flatMap(fencedBlocks)
    .filter(({ language, lines }) => language === "" && lines.some((line) => command.test(line)))
    .map(({ page, line }) => `${page}, line ${line}`);
  assert.deepEqual(unmarked, []);
});

test("whatever is not pasted still stands in a page", () => {
  const lines = pages.flatMap((page) => fencedBlocks(page).flatMap(commandsOf));
  const stale = notPasted.filter(({ starts }) => !lines.some((line) => line.startsWith(starts)));
  assert.deepEqual(stale, []);
});
