import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { refuseTogether } from "../../../bin/given/refusals.ts";
import { usageError } from "../../../core/errors.ts";
import { noEngine } from "../../commands/no-engine.ts";

const streams = () => ({
  stdout: new PassThrough(),
  stderr: new PassThrough({ encoding: "utf8" }),
  signal: new AbortController().signal,
  startEngine: noEngine,
});

test("what the looks found is given in their order, so that nothing is read again", async () => {
  const several = ["a", "b"].map((name) => async () => name);
  const [count, ...names] = await refuseTogether([async () => 3, ...several], streams());
  assert.equal(count + 1, 4);
  assert.deepEqual(
    names.map((name) => name.toUpperCase()),
    ["A", "B"],
  );
});

test("all that is wrong is told, a line each, the last as the error that ends the command", async () => {
  const io = streams();
  const wrong = (code: string) => async () => {
    throw usageError(`${code} is wrong`, { code });
  };
  await assert.rejects(refuseTogether([wrong("one"), async () => 3, wrong("one"), wrong("two")], io), {
    code: "two",
  });
  assert.equal(io.stderr.read(), "cnnt-edge: one is wrong\n");
});
