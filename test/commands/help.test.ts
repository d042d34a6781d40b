import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { commands } from "../../bin/main.ts";
import { noEngine } from "./no-engine.ts";

const program = new Command();
const io = {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: new AbortController().signal,
  startEngine: noEngine,
};
for (const define of commands) define(program, io, () => Promise.resolve());

for (const command of program.commands) {
  test(`the help of ${command.name()} shows no default as a program would write it`, () => {
    assert.doesNotMatch(command.helpInformation(), /default: ?\s*[[{]/);
  });
}
