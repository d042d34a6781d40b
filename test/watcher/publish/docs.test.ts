import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connectAsync } from "mqtt";
import { z } from "zod";
import { messageKinds } from "../../../core/messages.ts";
import { configSchema, folderSchema } from "../../../watcher/config/schema.ts";
import { startEmbeddedBroker } from "../../../watcher/publish/embedded-broker.ts";
import { repository } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { withoutMosquittoSub } from "./brokers.ts";

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

test("the line in docs/mqtt.md that saves a preview writes the picture's bytes", {
  skip: withoutMosquittoSub,
}, async (t) => {
  const line =
    /^ *(mosquitto_sub .*preview\.png)$/m.exec(page("mqtt.md"))?.[1] ?? assert.fail("no such line");
  const clientId = "cnnt-edge-t-abcdef";
  const broker = await startEmbeddedBroker({ port: 0, ownClientId: clientId, base: "cnnt-edge/t" });
  t.after(broker.stop);
  const { username, password } = broker;
  const client = await connectAsync(broker.url, { protocolVersion: 4, clientId, username, password });
  t.after(() => client.endAsync(true));
  const png = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
  const body = JSON.stringify({ v: 1, folder: "f", png: png.toString("base64"), width: 2 });
  await client.publishAsync("cnnt-edge/t/preview/f", body, { qos: 1, retain: true });
  const cwd = await temporaryFolder();
  const command = line.replace("mosquitto_sub", `mosquitto_sub -p ${new URL(broker.url).port}`);
  const child = spawn("bash", ["-o", "pipefail", "-c", command], {
    cwd,
    stdio: ["ignore", "ignore", "inherit"],
  });
  assert.deepEqual(await once(child, "exit"), [0, null]);
  assert.ok(readFileSync(join(cwd, "preview.png")).equals(png));
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
