import { type ChildProcess, fork } from "node:child_process";

/** Before everything else, also before tsx. */
const preloaded = [
  new URL("./no-inspector.js", import.meta.url).href,
  new URL("./end-with-parent.js", import.meta.url).href,
  import.meta.resolve("tsx"),
];

/**
 * Starts a TypeScript program of ours as a child that ends with this process, however this one ends: its loading is cut
 * short, or it has 5 s for clearing away. Messages go through Node's own serializer, which keeps what JSON loses.
 */
export function forkProgram(
  program: URL,
  { stderr, env = process.env }: { readonly stderr: "pipe" | "inherit"; readonly env?: NodeJS.ProcessEnv },
): ChildProcess {
  return fork(program, {
    execArgv: preloaded.flatMap((module) => ["--import", module]),
    serialization: "advanced",
    stdio: ["ignore", "ignore", stderr, "ipc"],
    env,
  });
}
