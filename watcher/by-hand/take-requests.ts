import { chmod, open, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { machineError, reportOf } from "../../core/errors.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import {
  type Answer,
  carryOut,
  type Hands,
  type Request,
  requestSchema,
  saidBy,
  socketName,
} from "./request.ts";

/** Somebody who connects and says nothing is cut off after this. */
const sayMs = 10_000;

/**
 * Takes requests of `cnnt-edge queue` through a socket in the state folder, of its own user only, until the answered function
 * is called. Where the state folder's disk holds no sockets, the daemon says so and goes on.
 */
export async function takeRequests(
  stateFolder: string,
  hands: Hands,
  log: Pick<DaemonLog, "warn">,
): Promise<() => Promise<void>> {
  const file = join(stateFolder, socketName);
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(sayMs, () => socket.destroy());
    answer(socket, hands).catch(() => socket.destroy());
  });
  // By its descriptor: the path of a socket has at most 107 bytes.
  const folder = await open(stateFolder);
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    await folder.close();
  };
  try {
    // Of a daemon that was killed: only one at a time has the state folder.
    await rm(file, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(`/proc/self/fd/${folder.fd}/${socketName}`, resolve);
    });
    await chmod(file, 0o600);
  } catch (cause) {
    log.warn(
      machineError("this daemon takes no requests of cnnt-edge queue while it runs", {
        code: "requests-socket",
        file,
        found: reportOf(cause).message,
        remedy:
          "Let the state folder lie on a local disk of this machine; stop the daemon to change its queue",
        cause,
      }),
    );
  }
  return close;
}

async function answer(socket: Socket, hands: Hands): Promise<void> {
  const said = await saidBy(socket);
  socket.setTimeout(0);
  socket.end(JSON.stringify(await answerTo(said, hands)));
}

async function answerTo(said: string, hands: Hands): Promise<Answer[]> {
  let request: Request;
  try {
    request = requestSchema.parse(JSON.parse(said));
  } catch {
    const refused = {
      message: "the daemon does not understand the request",
      remedy: "Use the cnnt-edge of the daemon's version",
    };
    return [{ name: "", refused }];
  }
  return carryOut(request, hands);
}
