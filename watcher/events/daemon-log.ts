import { reportOf } from "../../core/errors.ts";
import type { LogBody } from "../../core/messages.ts";
import { present } from "../../core/record.ts";

export type DaemonLog = ReturnType<typeof createDaemonLog>;

export interface LogSubject {
  readonly job?: string;
  readonly folder?: string;
  /** The job came to its end with this, and the line of its end says so: one line is enough. */
  readonly ended?: true;
}

/** Where the lines go: a terminal, a journal. */
export interface LogLines {
  readonly info: (text: string) => void;
  readonly problem: (level: "warn" | "error", error: unknown, about: LogSubject) => void;
}

/** What the daemon tells its operator: in lines, and warnings over MQTT too. */
export function createDaemonLog(lines: LogLines) {
  let forward: (body: Omit<LogBody, "suppressed">) => void = () => undefined;
  const tell =
    (level: "warn" | "error") =>
    (error: unknown, about: LogSubject = {}): void => {
      const { ended, ...subject } = about;
      if (ended === undefined) lines.problem(level, error, subject);
      const { code, message, remedy } = reportOf(error);
      forward({ level, code, message, ...present({ remedy }), ...subject });
    };
  return {
    info: lines.info,
    warn: tell("warn"),
    error: tell("error"),
    /** Where warnings and errors go beside the lines, once there is such a place. */
    forwardTo: (send: typeof forward): void => {
      forward = send;
    },
  };
}
