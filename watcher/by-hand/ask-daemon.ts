import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { isAbsent, isDenied, machineError, systemCode } from "../../core/errors.ts";
import { type Answer, answersSchema, type Request, saidBy, socketName } from "./request.ts";

/** Until the daemon has answered. */
const answerMs = 60_000;

/**
 * Asks the daemon of this state folder; undefined where none runs that listens. Throws `EdgeError` (`machine`) where it is
 * another user's, or does not answer.
 */
export async function askDaemon(stateFolder: string, request: Request): Promise<Answer[] | undefined> {
  let folder: FileHandle | undefined;
  let socket: Socket | undefined;
  try {
    folder = await open(stateFolder);
    socket = connect({ path: `/proc/self/fd/${folder.fd}/${socketName}`, allowHalfOpen: true });
    await once(socket, "connect");
    socket.setTimeout(answerMs, () => socket?.destroy(new Error(`no answer in ${answerMs / 1000} s`)));
    socket.end(JSON.stringify(request));
    return answersSchema.parse(JSON.parse(await saidBy(socket))) as Answer[];
  } catch (cause) {
    if (isAbsent(cause) || systemCode(cause) === "ECONNREFUSED") return undefined;
    const mayNot = isDenied(cause);
    throw machineError(mayNot ? "the daemon belongs to another user" : "the daemon did not answer", {
      code: mayNot ? "requests-not-permitted" : "requests-unanswered",
      file: join(stateFolder, socketName),
      remedy: mayNot
        ? "Run this as the daemon's user, for the service: sudo -u cnnt-edge cnnt-edge queue"
        : "Look with cnnt-edge queue what has changed, and try again",
      cause,
    });
  } finally {
    socket?.destroy();
    await folder?.close();
  }
}
