#!/usr/bin/env node
// Runs the TypeScript entry point through tsx, so that a checkout needs no build.
import "../runtime/machine/no-inspector.js";
import { fewestOpenFiles, moreOpenFiles, openFileLimit } from "../runtime/machine/open-files.js";

/**
 * A reader that has seen enough (`| head`) is no failure. Where the disk of a log is full the work goes on too, and the
 * exit code tells that words were lost; of standard output a line tells it too.
 */
let isLost = false;
const lost = (error, words) => {
  if (error.code === "EPIPE") return;
  if (!isLost) process.stderr.write(words);
  isLost = true;
};
process.stdout.on("error", (error) =>
  lost(error, `cnnt-edge: standard output cannot be written (${error.code}): words are lost\n`),
);
process.stderr.on("error", (error) => lost(error, ""));
process.once("exit", (code) => {
  if (isLost && code === 0) process.exitCode = 1;
});

const openFiles = openFileLimit();
if (openFiles !== undefined && openFiles < fewestOpenFiles) {
  process.stderr.write(
    `cnnt-edge: too few files may be open at the same time (found ${openFiles}; expected at least ${fewestOpenFiles}). ${moreOpenFiles}\n`,
  );
  process.exit(1);
}

const { register } = await import("tsx/esm/api");
register();
const { main } = await import("./main.ts");
process.exitCode = await main(process.argv.slice(2));

/** Nothing that a command left open keeps the process; what is still being written to a slow reader does. */
const leaveMs = 10_000;
const leave = () => {
  if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
  setTimeout(leave, 1000).unref();
};
setTimeout(leave, leaveMs).unref();
