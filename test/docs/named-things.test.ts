import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Command } from "commander";
import { parse } from "yaml";
import { commands } from "../../bin/main.ts";
import { parseConfig } from "../../watcher/config/load.ts";
import { noEngine } from "../commands/no-engine.ts";
import { repository } from "../watcher/running-daemon.ts";
import { fencedBlocks, pages, pageText } from "./fenced-blocks.ts";

/** What a page tells to type, in fences or in backticks: the text of each. */
function codeOf(page: string): string[] {
  const fenced = fencedBlocks(page).flatMap(({ lines }) => lines);
  const prose = pageText(page).replaceAll(/```[\s\S]*?```/g, "");
  return [...fenced, ...[...prose.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "")];
}

function optionsByCommand(): Map<string, Set<string>> {
  const program = new Command();
  const io = {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: new AbortController().signal,
    startEngine: noEngine,
  };
  for (const define of commands) define(program, io, () => Promise.resolve());
  const found = new Map<string, Set<string>>();
  const look = (command: Command, path: string): void => {
    const all = command.options.flatMap(({ long }) => (long == null ? [] : [long]));
    found.set(path, new Set([...all, "--help", "--version"]));
    for (const below of command.commands) look(below, `${path} ${below.name()}`.trim());
  };
  look(program, "");
  return found;
}

test("each option that a page gives to a command is one of that command", () => {
  const known = optionsByCommand();
  const names = [...known.keys()].filter((name) => name !== "").sort((a, b) => b.length - a.length);
  let checked = 0;
  const wrong = pages.flatMap((page) =>
    codeOf(page).flatMap((code) => {
      const said = code.replace(/^npm start --/, "cnnt-edge watch").replace(/\s#.*$/, "");
      const words = /^(?:cnnt-edge\s+)?(.*)$/.exec(said)?.[1] ?? "";
      const name = names.find((one) => words === one || words.startsWith(`${one} `));
      if (name === undefined) return [];
      checked += 1;
      return [...words.matchAll(/(?<=\s)--[a-z][a-z-]*/g)]
        .map(([option]) => option)
        .filter((option) => known.get(name)?.has(option) !== true)
        .map((option) => `${page}: ${name} has no ${option} (${code})`);
    }),
  );
  assert.deepEqual(wrong, []);
  assert.ok(checked > 50, `${checked} commands were found`);
});

/** What stands in the pages by `pattern`, its first group. A pattern that finds next to nothing would let all pass. */
function namedInPages(pattern: RegExp): { page: string; name: string }[] {
  const found = pages.flatMap((page) =>
    [...pageText(page).matchAll(pattern)].map(([, name = ""]) => ({ page, name })),
  );
  assert.ok(found.length > 10, `${found.length} were found`);
  return found;
}

test("each script that a page names stands in package.json", () => {
  const manifest = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = namedInPages(/npm run (?:--\w+ )?([a-z][\w:-]*)/g);
  assert.deepEqual(
    named.filter(({ name }) => !(name in manifest.scripts)),
    [],
  );
});

test("each link of a page leads to a file", () => {
  const links = namedInPages(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g);
  assert.deepEqual(
    links.filter(({ page, name }) => !existsSync(join(repository, dirname(page), name))),
    [],
  );
});

test("each file of the repository that a page names in backticks exists", () => {
  const folders =
    "bench|bin|bundle|calibration|core|docs|export|formats|models|runtime|systemd|test|watcher|container";
  const files = namedInPages(
    new RegExp(`\`((?:${folders})/[\\w./-]+\\.(?:ts|js|py|md|sh|service|yaml))\``, "g"),
  );
  assert.deepEqual(
    files.filter(({ name }) => !existsSync(join(repository, name))),
    [],
  );
});

test("each configuration in a page is accepted", () => {
  const blocks = pages.flatMap(fencedBlocks).filter(({ language }) => language === "yaml");
  const configurations = blocks.filter(({ lines }) =>
    lines.some((line) => /^(folders|mqtt|engine):/.test(line)),
  );
  assert.notEqual(configurations.length, 0);
  for (const { page, line, lines } of configurations) parseConfig(lines.join("\n"), `${page}, line ${line}`);
  for (const { page, line, lines } of blocks) {
    assert.doesNotThrow(() => parse(lines.join("\n")) as unknown, `${page}, line ${line}`);
  }
});
