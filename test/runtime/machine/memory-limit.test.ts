import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryLimitBytes } from "../../../runtime/machine/memory-limit.ts";

const machineBytes = 16 * 2 ** 30;

test("an amount of memory is decimal or binary as its unit says, or a share of the machine's", () => {
  const said: [text: string, bytes: number][] = [
    ["4GB", 4e9],
    ["4GiB", 4 * 2 ** 30],
    ["512 mib", 512 * 2 ** 20],
    ["1.5TB", 1.5e12],
    [" 50% ", machineBytes / 2],
    ["100%", machineBytes],
  ];
  for (const [text, bytes] of said) assert.equal(memoryLimitBytes(text, machineBytes), bytes, text);
});

test("what is no amount of memory is refused by name, with what is", () => {
  for (const text of [
    "",
    "4",
    "GB",
    "4 gigabytes",
    "-1GB",
    "0GB",
    "0%",
    "101%",
    "1e9MB",
    "4GB or so",
    "NaN%",
  ]) {
    assert.throws(() => memoryLimitBytes(text, machineBytes), {
      code: "memory-limit",
      kind: "usage",
      found: text,
      allowed: /"4GB" or "512MiB".*"50%"/,
    });
  }
});
