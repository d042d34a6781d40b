import { pino } from "pino";
import { describeError, reportOf } from "../core/errors.ts";
import type { LogBody } from "../core/messages.ts";

/** What the daemon tells its operator: lines on a terminal, JSON for the journal, warnings over MQTT too. */
export interface DaemonLog {
  readonly info: (text: string) => void;
  readonly warn: (error: unknown, about?: LogSubject) => void;
  readonly error: (error: unknown, about?: LogSubject) => void;
  /** Where warnings and errors go beside the stream, once there is such a place. */
  readonly forwardTo: (send: (body: Omit<LogBody, "suppressed">) => void) => void;
}

export interface LogSubject {
  readonly job?: string;
  readonly folder?: string;
}

export function createDaemonLog(stream: NodeJS.WritableStream & { isTTY?: boolean }): DaemonLog {
  let forward: (body: Omit<LogBody, "suppressed">) => void = () => undefined;
  const json = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  const line = (text: string): void => {
    stream.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
  };
  const tell =
    (level: "warn" | "error") =>
    (error: unknown, about: LogSubject = {}): void => {
      const { code, message, remedy } = reportOf(error);
      if (stream.isTTY === true) line(`${level}: ${describeError(error)}`);
      else json[level]({ ...about, code, remedy }, message);
      forward({ level, code, message, ...(remedy === undefined ? {} : { remedy }), ...about });
    };
  return {
    info: (text) => {
      if (stream.isTTY === true) line(text);
      else json.info(text);
    },
    warn: tell("warn"),
    error: tell("error"),
    forwardTo: (send) => {
      forward = send;
    },
  };
}
