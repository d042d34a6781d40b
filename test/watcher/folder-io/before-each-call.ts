import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

type Call = (...given: unknown[]) => Promise<unknown>;

const watched = [
  "link",
  "lstat",
  "mkdir",
  "open",
  "opendir",
  "readdir",
  "rename",
  "rm",
  "rmdir",
  "stat",
  "unlink",
] as const;

/** A call of node:fs/promises that is about to be made; `number` counts them from 1. */
export interface CallToCome {
  readonly number: number;
  readonly name: (typeof watched)[number];
  readonly paths: readonly string[];
}

/**
 * Runs `before` ahead of each call until the answer is called: what it does to the disk comes between two calls of the
 * code under test, what it throws is what the call fails with, and a promise that it never keeps stops the code there.
 */
export function beforeEachCall(before: (call: CallToCome) => void | Promise<void>): () => void {
  const real = new Map(watched.map((name) => [name, Reflect.get(files, name) as Call]));
  let number = 0;
  for (const [name, call] of real) {
    const wrapped: Call = async (...given) => {
      number += 1;
      await before({ number, name, paths: given.filter((one) => typeof one === "string") });
      return call(...given);
    };
    Reflect.set(files, name, wrapped);
  }
  syncBuiltinESMExports();
  return () => {
    for (const [name, call] of real) Reflect.set(files, name, call);
    syncBuiltinESMExports();
  };
}

/** What link(2) answers on file systems that know no links. */
export const refusedLink = (): Error => Object.assign(new Error("EPERM: link"), { code: "EPERM" });
