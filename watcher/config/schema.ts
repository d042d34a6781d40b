import { z } from "zod";
import { nameSchema } from "../../core/message-parts.ts";
import { longestTile } from "../../core/package-settings.ts";
import { defaultLimits } from "../../formats/file/reading.ts";
import { axesOf, templateProblem } from "../../formats/numbered/file-pattern.ts";
import { addressHint, completeAddress } from "./broker-address.ts";

/**
 * The configuration as a person writes it. Every key does something; one that is not here is an error. Paths are
 * still as written; `resolve.ts` makes them absolute. docs/configuration.md is checked against this file.
 */

const seconds = z
  .number()
  .nonnegative()
  .max(7 * 24 * 3600);
const hasNoNul = (text: string): boolean => !text.includes("\0");
const path = z.string().min(1).refine(hasNoNul, "a path cannot hold a NUL byte");

const afterExample = "after: { move: /data/raw-done }";
const after = z.union(
  [
    z.literal("keep"),
    z
      .string()
      .regex(/^move:\s*\S/)
      .refine(hasNoNul)
      .transform((text) => ({ move: text.slice("move:".length).trim() })),
    z.strictObject({ move: path }),
  ],
  {
    error: ({ input }) =>
      typeof input === "string" && /^(delete|remove)/i.test(input)
        ? `sources are never deleted; move them instead, for example ${afterExample}`
        : `write keep, or the folder for finished sources, for example ${afterExample}`,
  },
);

/** A channel's index ("0") or name, to a model folder or `pass`. YAML writes indices as numbers. */
const channels = z.record(z.string(), path);

const modeProblem = 'write permissions in quotes, as "0664": 0, then 6, then two digits of 0, 2, 4 or 6';

const side = z.int().positive().max(longestTile);
const shared = z.int().nonnegative().max(longestTile);

/** When a file counts as written; each folder may have times of its own. */
const settleTimes = {
  /** Size and time of change must stay the same for so long … */
  quiet_s: seconds,
  /** … and over so many looks. */
  looks: z.int().min(2).max(100),
  /** A file whose last rows hold only zeros may be reserved space: it must have been quiet for so long. */
  zero_tail_s: seconds,
  /** A file that cannot be read whole waits for so long, then its job fails. */
  broken_s: seconds,
  /** An acquisition by `pattern` whose sizes are not stated is taken when no file of it came for so long. */
  set_quiet_s: seconds,
  /** How often a folder is looked through at least. */
  sweep_s: z.number().min(0.2).max(3600),
  /** A whole file of a local disk is taken as soon as its writer has closed it, without the quiet time. */
  early: z.boolean(),
};

const settleSchema = z.strictObject({
  quiet_s: settleTimes.quiet_s.default(2),
  looks: settleTimes.looks.default(3),
  zero_tail_s: settleTimes.zero_tail_s.default(60),
  broken_s: settleTimes.broken_s.default(300),
  set_quiet_s: settleTimes.set_quiet_s.default(600),
  sweep_s: settleTimes.sweep_s.default(2),
  early: settleTimes.early.default(true),
});

const patternExample = 'pattern: "{name}_T{t}_C{c}.tif"';
const patternSize = z.int().positive().max(defaultLimits.maxMembers);

export const folderSchema = z.strictObject({
  name: nameSchema,
  path,
  output: path,
  model: path.default("models/default"),
  channels: channels.default({}),
  /** Whether a model runs whose description says that it does something other than denoise. */
  run_anyway: z.boolean().default(false),
  /** A calibration.json, or one for each channel: what the noise of incoming acquisitions is held against. */
  calibration: z
    .union([path, z.record(z.string(), path)])
    .nullable()
    .default(null),
  depth_axis: z.enum(["z", "t", "auto"]).default("auto"),
  /** Depth, height and width of tiles, exactly these; null: as large as the package says. */
  tile: z.tuple([side, side, side]).nullable().default(null),
  /** What neighbouring tiles share; null: the package's. */
  overlap: z.tuple([shared, shared, shared]).nullable().default(null),
  /** What NaN and infinities in float input do. */
  non_finite: z.enum(["carry", "refuse"]).default("carry"),
  order: z.enum(["newest", "oldest"]).default("oldest"),
  after: after.default("keep"),
  /** Sample type of results; the source's where null. */
  dtype: z.enum(["uint16", "float32"]).nullable().default(null),
  compression: z.enum(["none", "deflate", "zstd"]).default("none"),
  /** Writes `RESULT.done.json` beside each result once it is whole. */
  done_file: z.boolean().default(false),
  /** What becomes of a result when newer content of its source has one. */
  superseded: z.enum(["keep", "remove"]).default("keep"),
  /** Results are removed after so many days; null: never. */
  results_keep_days: z.int().positive().max(36_500).nullable().default(null),
  /** Permissions of results, as for chmod; null: what the daemon's umask leaves. */
  mode: z
    .string({ error: modeProblem })
    .regex(/^0?6[0246]{2}$/, modeProblem)
    .nullable()
    .default(null),
  /** Group of results, by name or number; null: the daemon's own. */
  group: z
    .union([z.string().min(1), z.int().nonnegative()])
    .nullable()
    .default(null),
  subfolders: z.boolean().default(true),
  /** Whether the folder is only listed by the clock: on a file system whose events do not come and which is not known for it. */
  polling: z.boolean().default(false),
  /** How the files of acquisitions of many files are named, as `{name}_T{t}_C{c}.tif`; null: only sets that say so themselves. */
  pattern: z
    .string()
    .superRefine((text, context) => {
      const problem = templateProblem(text);
      if (problem !== undefined)
        context.addIssue({ code: "custom", message: `${problem}; for example ${patternExample}` });
    })
    .nullable()
    .default(null),
  /** How many numbers {t}, {c} and {z} of `pattern` have; for each that is missing, files are waited for. */
  pattern_sizes: z.strictObject({ t: patternSize, c: patternSize, z: patternSize }).partial().default({}),
  /** Names that are never input, beside those of docs/configuration.md; `*` stands for any characters. */
  ignore: z.array(z.string().min(1)).default([]),
  /** Of `settle`, what is otherwise in this folder. */
  settle: z.strictObject(settleTimes).partial().default({}),
});

/** A size that no number of a name stands for would be waited for in vain. */
const countedFolderSchema = folderSchema.superRefine(({ pattern, pattern_sizes: sizes }, context) => {
  const counted: readonly string[] = pattern === null ? [] : axesOf(pattern);
  for (const axis of Object.keys(sizes).filter((one) => !counted.includes(one))) {
    const why = pattern === null ? "there is no pattern" : `the pattern "${pattern}" has no {${axis}}`;
    const message = `${why}, so nothing can have this size`;
    context.addIssue({ code: "custom", path: ["pattern_sizes", axis], message });
  }
});

const memoryHint = 'write an amount as "4GB", or a share as "50%"';

export const configSchema = z.strictObject({
  instance: nameSchema.default("default"),
  folders: z
    .array(countedFolderSchema)
    .min(1)
    .default(() => [folderSchema.parse({ name: "incoming", path: "./incoming", output: "./denoised" })]),
  settle: settleSchema.default(() => settleSchema.parse({})),
  engine: z
    .strictObject({
      providers: z
        .array(z.enum(["tensorrt", "cuda", "webgpu", "cpu"]))
        .min(1)
        .nullable()
        .default(null),
      /** Refuse to start on another provider than this. */
      require: z.enum(["tensorrt", "cuda", "webgpu", "cpu"]).nullable().default(null),
      /** Memory that tiles are planned for at most, "4GB" or "50%"; null: the package's tiles, whatever they need. */
      memory_limit: z
        .string({ error: memoryHint })
        .regex(/^\s*\d{1,9}(\.\d{1,6})?\s*(%|[MGT]i?B)\s*$/i, memoryHint)
        .nullable()
        .default(null),
      /** Threads of the CPU provider; null: as many as the machine has. */
      threads: z.int().positive().max(1024).nullable().default(null),
      /** low: the machine's other programs, the microscope's among them, come first. */
      priority: z.enum(["low", "normal"]).default("low"),
      /** The engine's process is replaced after so many jobs, between two of them; 0: never. */
      recycle_jobs: z.int().nonnegative().max(1_000_000).default(1000),
    })
    .prefault({}),
  jobs: z
    .strictObject({
      /** How often a job is tried when the machine, not the file, is at fault; then it is parked. */
      attempts: z.int().min(1).max(20).default(3),
      /** No job starts while its output's disk has less free than the result and this much more. */
      reserve_mib: z.int().nonnegative().default(512),
    })
    .prefault({}),
  mqtt: z
    .strictObject({
      /** null: the embedded broker, on loopback only. */
      url: z
        .string()
        .transform((text, context) => {
          const address = completeAddress(text);
          if (address === undefined) context.addIssue({ code: "custom", message: addressHint });
          return address ?? text;
        })
        .nullable()
        .default(null),
      username: z.string().nullable().default(null),
      password_file: path.nullable().default(null),
      /** Certificate authority for mqtts://, a PEM file. */
      ca: path.nullable().default(null),
      /** Port of the embedded broker; 0 takes any free one, null 1883 or the next free one. */
      port: z.int().min(0).max(65535).nullable().default(null),
      /** Pictures are data: by default only the embedded broker gets them. */
      preview: z.boolean().nullable().default(null),
      /** The broker keeps the newest picture of a folder for so many hours; null: until the next one. */
      preview_keep_h: z.number().positive().max(500).nullable().default(null),
      expose_paths: z.boolean().default(false),
    })
    .prefault({}),
  state: path.default("./state"),
  history: z
    .strictObject({
      /** For so long the ledger remembers sources that have left, with results that have left too; null: for ever. */
      keep_days: z.int().positive().max(36_500).nullable().default(365),
    })
    .prefault({}),
  shutdown: z
    .strictObject({
      /** The running job may take so long to end; then it is rolled back and done after the next start. */
      finish_s: seconds.default(20),
    })
    .prefault({}),
});

export type WrittenConfig = z.output<typeof configSchema>;
export type WrittenFolder = z.output<typeof folderSchema>;
export type SettleConfig = z.output<typeof settleSchema>;
