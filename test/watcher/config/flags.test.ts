import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { describeError, isEdgeError } from "../../../core/errors.ts";
import { configFor, type WatchFlags } from "../../../watcher/config/flags.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const mqttUrl = async (mqtt: string): Promise<string | null> =>
  (await configFor(undefined, { mqtt }, "/lab", "/opt")).mqtt.url;

async function refusal(flags: WatchFlags): Promise<string> {
  try {
    await configFor(undefined, flags, "/lab", "/opt");
  } catch (error) {
    assert.ok(isEdgeError(error) && error.kind === "usage");
    return describeError(error);
  }
  return assert.fail("it was accepted");
}

test("a broker's bare name, with a port or without, is an mqtt:// address", async () => {
  assert.equal(await mqttUrl("broker.lab"), "mqtt://broker.lab");
  assert.equal(await mqttUrl("broker.lab:1884"), "mqtt://broker.lab:1884");
  assert.equal(await mqttUrl("mqtts://broker.lab:8883"), "mqtts://broker.lab:8883");
});

test("a wrong flag is named, with what it takes, and never with a line of a file", async () => {
  const address = "an address like mqtt://broker.lab, mqtts://broker.lab:8883, ws://… or wss://…";
  const help = "--help lists every flag";
  assert.equal(
    await refusal({ mqtt: "http://broker.lab" }),
    `--mqtt cannot take this value: ${address}. ${help}`,
  );
  assert.equal(
    await refusal({ instance: "Scope 2" }),
    `--instance cannot take this value: 1 to 32 small letters, digits and hyphens, because it becomes part of a topic (found "Scope 2"). ${help}`,
  );
  assert.match(await refusal({ mqttPort: 70_000 }), /^--mqtt-port cannot take this value: .*\(found 70000\)/);
  assert.match(
    await refusal({ mqttPort: Number.NaN }),
    /^--mqtt-port cannot take this value: .*\(found NaN\)/,
  );
  assert.match(
    await refusal({ instance: "A", mqtt: "a b" }),
    /^--instance cannot take .*; --mqtt cannot take /,
  );
});

test("an address that is refused is not repeated: it may hold a password", async () => {
  for (const mqtt of ["mqtt://u:top secret@h", "mqtt://u:top/secret@h", "http://u:top-secret@h"]) {
    assert.doesNotMatch(await refusal({ mqtt }), /secret/);
  }
});

test("a problem of the file is told with its line, also where flags are given", async () => {
  const file = join(await temporaryFolder(), "c.yaml");
  await writeFile(file, "instance: t\nmqtt: {url: 'http://x'}\n");
  await assert.rejects(
    configFor(file, { mqtt: "broker.lab" }, "/lab", "/opt"),
    (error) => isEdgeError(error, "config-invalid") && /line 2, column 8: mqtt\.url/.test(error.message),
  );
});
