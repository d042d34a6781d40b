import { z } from "zod";
import { calibrationProgressSchema, calibrationResultSchema } from "./calibration-messages.ts";
import { jobFields, jobSchema, jobStatusSchema, noiseChecks, previewSchema } from "./job-messages.ts";
import {
  calibrationId,
  count,
  errorFields,
  errorSchema,
  nameSchema,
  seconds,
  stamped,
  time,
} from "./message-parts.ts";

/**
 * Everything that leaves over MQTT. The topics stand below `cnnt-edge/<instance>/`; docs/mqtt.md is checked against
 * this file. Within a major version `v` fields are only added, never removed and never given another meaning, and
 * readers ignore what they do not know. Units are in the names; times are RFC 3339 in UTC with milliseconds.
 */

export const stateSchema = z.strictObject({
  ...stamped,
  /** `degraded`: something needs a person, the rest goes on. `draining`: ending, the running job is being finished. */
  state: z.enum(["online", "degraded", "draining", "offline"]),
  reason: z.string().optional(),
  /** What to do where the ledger cannot be written; where a folder is in trouble, its own state has the remedy. */
  remedy: z.string().optional(),
  /** When this state began; absent in a last will, because nobody was there to see it. */
  since: time.optional(),
  /**
   * Present on a last will. It was written at `ts`, when the connection was made, and sent by the broker when it had
   * lost us: `engine` is as of `ts`, and how long ago the connection was lost it does not say.
   */
  will: z.literal(true).optional(),
  /** A state older than three of these is stale, whatever it says. */
  heartbeat_s: seconds,
  engine: z.enum(["warming", "ready", "lost"]),
  /** The provider that ran the warm-up; absent until one did. */
  provider: z.string().optional(),
});

const infoSchema = z.strictObject({
  ...stamped,
  version: z.string(),
  /** Major version of these messages. */
  api: z.literal(1),
  started: time,
  runtime: z.string().optional(),
  provider: z.string().optional(),
  /** Providers asked for and why they are not used. */
  rejected_providers: z.array(z.strictObject({ provider: z.string(), reason: z.string() })),
  /** Measured in the warm-up. */
  network_voxels_per_s: z.number().nonnegative().optional(),
  models: z.array(
    z.strictObject({
      /** As the configuration names it, without folders above. */
      name: z.string(),
      version: z.string().optional(),
      sha256: z.string().optional(),
      intensity: z.enum(["preserved", "affine", "uncalibrated"]).optional(),
      verified: z.boolean(),
      error: errorSchema.optional(),
    }),
  ),
  folders: z.array(
    z.strictObject({
      name: nameSchema,
      /** Absolute paths only where `mqtt.expose_paths` allows it. */
      path: z.string().optional(),
      output: z.string().optional(),
      model: z.string(),
      channels: z.record(z.string(), z.string()),
      /** Ids of the calibrations pinned to it. */
      calibrations: z.array(calibrationId).optional(),
    }),
  ),
});

const statsSchema = z.strictObject({
  ...stamped,
  /** Delivered voxels by the clock over the last `window_s`. */
  voxels_per_s: z.number().nonnegative(),
  window_s: seconds,
  jobs: z.record(jobStatusSchema, count),
  queue_bytes: count,
  /** Until the queue is empty; absent where nothing was measured yet. */
  eta_s: seconds.optional(),
  eta_basis: z.string().optional(),
  rss_bytes: count,
  loop_delay_p99_ms: z.number().nonnegative(),
  dropped_messages: count,
});

const folderStateSchema = z.strictObject({
  ...stamped,
  name: nameSchema,
  /** `watching`: events and sweeps. `polling`: sweeps only, because the file system sends no events. */
  state: z.enum(["starting", "watching", "polling", "paused", "unreachable", "full", "error"]),
  reason: z.string().optional(),
  remedy: z.string().optional(),
  since: time,
  /** When the folder was last listed whole. */
  last_seen: time.optional(),
  queued: count,
  waiting: z.strictObject({ count, oldest_reason: z.string().optional() }),
  /** Sources that are done and could not be moved away so far; absent where there are none. */
  kept: z.strictObject({ count, oldest_reason: z.string(), remedy: z.string().optional() }).optional(),
  /** Present where a calibration is pinned. */
  calibration: z
    .strictObject({
      /** What a person should know: another model, or the newest acquisition was noisier. Empty: all is well. */
      warnings: z.array(z.string()),
      /** The newest acquisition that was compared since the start. */
      newest: z.strictObject({ job: z.string(), source: z.string(), noise: noiseChecks }).optional(),
    })
    .optional(),
});

const logSchema = z.strictObject({
  ...stamped,
  level: z.enum(["warn", "error"]),
  ...errorFields,
  job: jobFields.id.optional(),
  folder: nameSchema.optional(),
  /** How many messages were not sent before this one, because there were too many. */
  suppressed: count,
});

export interface MessageKind {
  /** Below `cnnt-edge/<instance>/`; `{folder}`, `{job}` and `{calibration}` stand for names. */
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly when: string;
  readonly schema: z.ZodObject;
}

/** Largest payload of any message, in bytes: brokers of facilities are told to allow 512 KiB. */
export const largestMessageBytes = 400 * 1024;

/** Every message there is. `jobProgress` and `job` are one topic: progress may be lost, steps of life may not. */
export const messageKinds = {
  state: {
    topic: "state",
    qos: 1,
    retain: true,
    when: "at each connect, at each change, every 30 s; also the last will",
    schema: stateSchema,
  },
  info: {
    topic: "info",
    qos: 1,
    retain: true,
    when: "at each connect and when models were verified",
    schema: infoSchema,
  },
  stats: {
    topic: "stats",
    qos: 0,
    retain: false,
    when: "every 5 s while a job runs, every 60 s otherwise",
    schema: statsSchema,
  },
  folderState: {
    topic: "folder/{folder}/state",
    qos: 1,
    retain: true,
    when: "at each connect and change",
    schema: folderStateSchema,
  },
  job: {
    topic: "job/{job}",
    qos: 1,
    retain: false,
    when: "at each step of a job's life",
    schema: jobSchema,
  },
  jobProgress: {
    topic: "job/{job}",
    qos: 0,
    retain: false,
    when: "while a job runs, at most once a second",
    schema: jobSchema,
  },
  jobLast: {
    topic: "job/last",
    qos: 1,
    retain: true,
    when: "when a job has ended, and at each connect",
    schema: jobSchema,
  },
  preview: {
    topic: "preview/{folder}",
    qos: 0,
    retain: true,
    when: "after a job, at most every 2 s; to a broker of your own only if `mqtt.preview` is true",
    schema: previewSchema,
  },
  calibration: {
    topic: "calibration/{calibration}",
    qos: 1,
    retain: true,
    when: "when `calibrate --mqtt` has ended; at each connect for those pinned to a folder",
    schema: calibrationResultSchema,
  },
  calibrationProgress: {
    topic: "calibration/{calibration}",
    qos: 0,
    retain: false,
    when: "while `calibrate --mqtt` runs, at most once a second, and when it ends without a result",
    schema: calibrationProgressSchema,
  },
  log: {
    topic: "log",
    qos: 0,
    retain: false,
    when: "warnings and errors, at most 10 a minute",
    schema: logSchema,
  },
} as const satisfies Record<string, MessageKind>;

export type MessageName = keyof typeof messageKinds;
/** The payload of a message without what the publisher adds to every one. */
export type MessageBody<Name extends MessageName> = Omit<
  z.input<(typeof messageKinds)[Name]["schema"]>,
  "v" | "ts" | "boot"
>;

export type StateBody = MessageBody<"state">;
export type InfoBody = MessageBody<"info">;
export type FolderStateBody = MessageBody<"folderState">;
export type JobBody = MessageBody<"job">;
export type CalibrationBody = MessageBody<"calibration">;
export type CalibrationProgressBody = MessageBody<"calibrationProgress">;
export type LogBody = MessageBody<"log">;
