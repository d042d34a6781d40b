import { isEdgeError, machineError, systemCode } from "../../core/errors.ts";
import { readNamedFile } from "../../formats/file/named-file.ts";
import { readAddress } from "../config/broker-address.ts";
import type { DaemonConfig } from "../config/resolve.ts";
import type { Login } from "./broker-link.ts";
import { startEmbeddedBroker } from "./embedded-broker.ts";

/** A broker and what it takes to be let in. */
export interface BrokerAccess {
  /** For people: the address without user, password and query. */
  readonly name: string;
  /** For the client. Not for people: a query may hold a token. */
  readonly url: string;
  /** Read anew for each connection: passwords and certificates are replaced while the daemon runs. */
  readonly login: () => Promise<Login>;
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
    const embedded = await startEmbeddedBroker({ port: mqtt.port, ownClientId, base });
    const { url, username, password, stop } = embedded;
    const login = async (): Promise<Login> => ({ username, password, ca: undefined });
    return { name: url, url, login, embedded: true, stop };
  }
  const address = readAddress(mqtt.url);
  const login = async (): Promise<Login> => {
    const password = mqtt.password_file === null ? undefined : await readConfigured(mqtt.password_file);
    return {
      username: mqtt.username ?? address.username,
      password: password?.toString("utf8").trimEnd() ?? address.password,
      ca: mqtt.ca === null ? undefined : await readConfigured(mqtt.ca),
    };
  };
  // A file that is missing now is a mistake in the configuration; one that goes missing later may come back.
  await login();
  return { name: address.shown, url: address.url, login, embedded: false, stop: () => Promise.resolve() };
}

/** Passwords are short; a file of all the authorities that there are has a few hundred KiB. */
const largestBytes = 4 * 1024 * 1024;

async function readConfigured(file: string): Promise<Buffer> {
  return readNamedFile(file, largestBytes).catch((cause: unknown) => {
    if (isEdgeError(cause)) throw cause;
    throw machineError("a file that the configuration names cannot be read", {
      code: "config-file-unreadable",
      file,
      found: systemCode(cause) ?? "an unknown error",
      remedy: "Check the path, and that the daemon's user may read the file",
      cause,
    });
  });
}
