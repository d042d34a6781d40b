import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { messageKinds } from "../../../core/messages.ts";
import { configSchema, folderSchema } from "../../../watcher/config/schema.ts";
import { repository } from "../running-daemon.ts";

const page = (name: string): string => readFileSync(join(repository, "docs", name), "utf8");

test("docs/mqtt.md lists every message as it is sent, and no other", () => {
  const written = page("mqtt.md")
    .split("\n")
    .filter((line) => /^\| `/.test(line));
  const wanted = Object.values(messageKinds).map(
    ({ topic, qos, retain, when }) => `| \`${topic}\` | ${qos} | ${retain ? "yes" : "no"} | ${when} |`,
  );
  assert.deepEqual(written, wanted);
});

test("docs/configuration.md lists every option with its default, and no other", () => {
  const written = [...page("configuration.md").matchAll(/^\| `([\w.[\]]+)` \| ?(.*?) ?\|/gm)].map(
    (match) => `${match[1]} ${(match[2] ?? "").replaceAll("`", "")}`,
  );
  assert.deepEqual(written.sort(), [...optionsOf(configSchema)].sort());
});

/** `a.b default` of each option; folders have no default for what a person must say. */
function* optionsOf(schema: z.ZodObject): Generator<string> {
  const defaults = configSchema.parse({}) as Record<string, unknown>;
  for (const key of Object.keys(schema.shape)) {
    const value = defaults[key];
    if (key === "folders") {
      yield "folders ./incoming to ./denoised";
      for (const [option, field] of Object.entries(folderSchema.shape)) {
        const given = z.safeParse(field, undefined);
        yield `folders[].${option} ${given.success ? shown(given.data) : ""}`;
      }
    } else if (typeof value === "object" && value !== null) {
      for (const [option, given] of Object.entries(value)) yield `${key}.${option} ${shown(given)}`;
    } else yield `${key} ${shown(value)}`;
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
