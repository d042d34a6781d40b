import { randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { Aedes } from "aedes";
import { machineError } from "../../core/errors.ts";
import { usualPort } from "../config/broker-address.ts";

export interface EmbeddedBrokerOptions {
  /** null: 1883, or the next free one. 0: any free one. */
  readonly port: number | null;
  readonly ownClientId: string;
  /** Topics below this are the daemon's, but for `request/` and the results of `calibrate`. */
  readonly base: string;
}

const host = "127.0.0.1";
const portsTried = 20;
/** A reader that takes nothing for so long is cut off, so that it cannot hold back the others. */
const drainTimeoutMs = 20_000;
const longestClientId = 128;

/**
 * The broker for those who have none: on loopback only, in memory only (everything retained is published again at
 * each connect), and only the daemon may write below its own topics.
 */
export async function startEmbeddedBroker({ port: wanted, ownClientId, base }: EmbeddedBrokerOptions) {
  const password = randomBytes(24).toString("hex");
  const broker = await Aedes.createBroker({
    drainTimeout: drainTimeoutMs,
    maxClientsIdLength: longestClientId,
    keepaliveLimit: 3600,
    authenticate: (client, _username, given, done) => {
      done(null, client.id !== ownClientId || isSame(given, password));
    },
    // A session that outlived its client would keep every message for a reader that may never come back. Whoever asks for
    // one gets a clean one, and hears so: the answer says that no session is present.
    preConnect: (_client, packet, done) => {
      packet.clean = true;
      done(null, true);
    },
    authorizePublish: (client, packet, done) => {
      const ours = packet.topic === base || packet.topic.startsWith(`${base}/`);
      const request = packet.topic.startsWith(`${base}/request/`);
      const calibration = /^[^/]+\/[^/]+\/calibration\/[0-9a-f]{16}$/.test(packet.topic);
      const allowed = client === null || client.id === ownClientId || !ours || request || calibration;
      const refusal = { code: "mqtt-read-only", found: packet.topic };
      done(allowed ? null : machineError("only the daemon writes there", refusal));
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    broker.handle(socket);
  });
  const port = await listen(server, wanted).catch(async (error: unknown) => {
    // Its own clock would keep the process.
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    throw error;
  });
  return {
    url: `mqtt://${host}:${port}`,
    /** What the daemon's own client presents; nobody else may take its client id. */
    username: "cnnt-edge",
    password,
    stop: async (): Promise<void> => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, wanted: number | null): Promise<number> {
  const first = wanted ?? usualPort;
  const last = wanted === null ? usualPort + portsTried : first;
  for (let port = first; port <= last; port += 1) {
    const taken = await tryPort(server, port);
    if (taken === undefined) {
      const address = server.address();
      return typeof address === "object" && address !== null ? address.port : port;
    }
    if (port === last || taken !== "EADDRINUSE") throw portRefused(port, taken);
  }
  throw portRefused(first, "EADDRINUSE");
}

/** undefined once the server listens, else the system's word for why not. */
async function tryPort(server: Server, port: number): Promise<string | undefined> {
  return once(server.listen(port, host), "listening").then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
}

function isSame(given: Readonly<Buffer | undefined>, wanted: string): boolean {
  const expected = Buffer.from(wanted);
  return given !== undefined && given.length === expected.length && timingSafeEqual(given, expected);
}

function portRefused(port: number, reason: string) {
  return machineError("the embedded broker cannot listen", {
    code: "broker-port",
    at: `${host}:${port}`,
    found: reason,
    remedy: "Set mqtt.port (or --mqtt-port) to a free port, or mqtt.url (or --mqtt) to a broker that runs",
  });
}
