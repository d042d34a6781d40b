// Preloaded by the processes of the tests (`compile.js`) and by whatever they start, threads too: a program that lies
// below `root` runs as it was compiled into `folder`. All others are left alone.
const hooks = require("node:async_hooks");
const { existsSync, realpathSync } = require("node:fs");
const Module = require("node:module");
const { join, relative } = require("node:path");
const { fileURLToPath } = require("node:url");

module.exports = ({ root, folder }) => {
  const { runMain } = Module;
  // Starts the TypeScript that its first argument names.
  const threadStart = join(root, "runtime/worker/start-thread.js");
  if (process.env.NODE_TEST_CONTEXT !== undefined) followNoPromises();
  Module.runMain = function runCompiled(given) {
    const file = given === threadStart ? fileURLToPath(process.argv[2]) : realpathSync(given);
    const place = relative(root, file);
    const compiled = join(folder, place.replace(/\.ts$/, ".js"));
    runMain(!place.startsWith("..") && existsSync(compiled) ? compiled : given);
  };
};

/**
 * Node's test runner follows every promise and timer of a process to know whose uncaught error it is, which takes a
 * quarter of the time of tests that mostly wait. Without that such an error fails its file instead of its test.
 */
function followNoPromises() {
  const { createHook } = hooks;
  const followsNothing = { enable: () => followsNothing, disable: () => followsNothing };
  hooks.createHook = (callbacks) =>
    /node:internal\/test_runner/.test(new Error().stack) ? followsNothing : createHook(callbacks);
}
