import { readFile } from "node:fs/promises";
import { machineError } from "../core/errors.ts";
import type { DaemonConfig } from "./config/resolve.ts";
import { startEmbeddedBroker } from "./publish/embedded-broker.ts";

/** A broker and what it takes to be let in. */
export interface BrokerAccess {
  readonly url: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Certificate authority, PEM. */
  readonly ca: Buffer | undefined;
  readonly embedded: boolean;
  readonly stop: () => Promise<void>;
}

/** The configured broker, or the embedded one, started. Throws `EdgeError` (`machine`). */
export async function openBroker(
  mqtt: DaemonConfig["mqtt"],
  ownClientId: string,
  base: string,
): Promise<BrokerAccess> {
  if (mqtt.url === null) {
    const { url, username, password, stop } = await startEmbeddedBroker({
      port: mqtt.port,
      ownClientId,
      base,
    });
    return { url, username, password, ca: undefined, embedded: true, stop };
  }
  const password = mqtt.password_file === null ? undefined : await readConfigured(mqtt.password_file);
  return {
    url: mqtt.url,
    username: mqtt.username ?? undefined,
    password: password?.toString("utf8").trimEnd(),
    ca: mqtt.ca === null ? undefined : await readConfigured(mqtt.ca),
    embedded: false,
    stop: () => Promise.resolve(),
  };
}

async function readConfigured(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw machineError("a file that the configuration names cannot be read", {
      code: "config-file-unreadable",
      file,
      found: cause instanceof Error && "code" in cause ? String(cause.code) : "an unknown error",
      remedy: "Check the path and the right to read it",
      cause,
    });
  });
}

export function brokerDown(url: string, reason: string) {
  return machineError("the MQTT broker is not connected", {
    code: "mqtt-down",
    at: url,
    found: reason,
    remedy: "Check mqtt.url, the user and the broker; it is tried again by itself and jobs go on",
    retryable: true,
  });
}
