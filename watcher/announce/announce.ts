import { basename, dirname } from "node:path";
import type { JobBody } from "../../core/messages.ts";
import type { DaemonConfig } from "../config/resolve.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import { pinnedMessages } from "../folder/pinned-calibrations.ts";
import type { Job } from "../ledger/job.ts";
import { jobMessage } from "../messages/job-message.ts";
import type { BrokerAccess } from "../publish/broker-access.ts";
import { createBrokerNews } from "../publish/broker-news.ts";
import { createPublisher, type Publisher } from "../publish/publisher.ts";
import { type ClientIdentity, retainedTopicsOf, topicOf } from "../publish/topics.ts";
import { type AnnouncerOptions, createAnnouncer } from "./announcer.ts";
import { publishJobs, publishPreviews } from "./publish-jobs.ts";
import { createThroughput } from "./throughput.ts";

export interface AnnouncementOptions
  extends Omit<AnnouncerOptions, "exposePaths" | "publisher" | "throughput"> {
  readonly config: DaemonConfig;
  readonly identity: ClientIdentity;
  readonly broker: BrokerAccess;
  /** Sources of the folder are not moved before the answer is called. */
  readonly holdSources: (folder: Folder) => () => void;
}

/** The broker has this long for its word on what was said last. */
const lastWordMs = 3_000;

const hourMs = 3_600_000;

/** All that the daemon says to the broker and to the service manager. */
export function announce(events: Events, options: AnnouncementOptions) {
  const { config, broker, ledger, engine, folders, log } = options;
  const { expose_paths: exposePaths, preview, preview_keep_h: keepHours } = config.mqtt;
  const outputOf = new Map(config.folders.map(({ name, output }) => [name, output]));
  const bodyOf = (job: Job): JobBody => jobMessage(job, outputOf.get(job.folder));
  const publisher = createDaemonPublisher(options, bodyOf);
  publishJobs(events, { publisher, bodyOf, provider: () => engine.facts()?.provider });
  // Pictures are data: they go to a foreign broker only where that is asked for.
  if (preview ?? broker.embedded) {
    const keepMs = keepHours === null ? undefined : keepHours * hourMs;
    publishPreviews(events, { publisher, folders, holdSources: options.holdSources, log, keepMs });
  }
  const throughput = createThroughput(events, () => engine.facts()?.networkVoxelsPerS);
  const announcer = createAnnouncer(events, { ...options, exposePaths, publisher, throughput });

  return {
    start: async (): Promise<void> => {
      const last = await ledger.lastEnded();
      if (last !== undefined) publisher.publish("jobLast", bodyOf(last));
      for (const body of pinnedMessages(folders, exposePaths)) {
        publisher.publish("calibration", body, { calibration: body.id });
      }
      await announcer.start();
      publisher.start();
    },
    /** From now on the daemon's state is `draining`. */
    drain: announcer.drain,
    /** The last state of all, and the end of the link. */
    stop: () => publisher.stop(announcer.stop(), lastWordMs),
  };
}

const logLines = { most: 10, withinMs: 60_000 };

/** The publisher of this configuration: warnings of the log go through it too, and the state of the broker into the log. */
function createDaemonPublisher(
  { config, folders, identity, broker, ledger, log }: AnnouncementOptions,
  bodyOf: (job: Job) => JobBody,
): Publisher {
  const calibrationIds = folders.flatMap(({ pinned }) => pinned.map(({ calibration }) => calibration.id));
  const ownTopics = retainedTopicsOf(identity.base, config.folders, calibrationIds);
  // Of a picture that an earlier daemon left nobody knows how old it is.
  if (config.mqtt.preview_keep_h !== null) {
    for (const { name: folder } of config.folders)
      ownTopics.delete(topicOf(identity.base, "preview", { folder }));
  }
  const news = createBrokerNews(broker.name, `${identity.base}/#`, log);
  const publisher = createPublisher({
    ...broker,
    ...identity,
    redact: (text) => (config.mqtt.expose_paths ? text : hidePaths(text, rootsOf(config.state, folders))),
    memory: { ...ledger, unpublished: async (limit) => (await ledger.unpublished(limit)).map(bodyOf) },
    isCurrent: (topic) => ownTopics.has(topic),
    onDelivery: news.delivery,
    onDown: news.down,
    onProblem: log.warn,
  });
  const mayLog = createRateLimit(logLines.most, logLines.withinMs);
  log.forwardTo((body) => {
    const suppressed = mayLog(performance.now());
    if (suppressed !== undefined) publisher.publish("log", { ...body, suppressed });
  });
  return publisher;
}

/**
 * Takes the configured folders out of a text: what lies below one is told relative to it, the folder itself by its
 * last name. Error messages carry absolute paths, and those say more about a lab than its broker should know.
 */
export function hidePaths(text: string, roots: readonly string[]): string {
  // Longer ones first: a folder may lie below another.
  return [...roots]
    .sort((one, other) => other.length - one.length)
    .reduce((hidden, root) => hidden.replaceAll(`${root}/`, "").replaceAll(root, basename(root)), text);
}

/** The folders that a configuration names, and those above its model folders. */
function rootsOf(state: string, folders: readonly Folder[]): string[] {
  const roots = folders.flatMap(({ config: { path, output, moveTo, model, channels } }) => [
    path,
    output,
    ...(moveTo === undefined ? [] : [moveTo]),
    ...[model, ...Object.values(channels)].map((dir) => dirname(dir)),
  ]);
  // "/" and "." would take every slash out of every text.
  return [...new Set([...roots, state])].filter((root) => root.startsWith("/") && root.length > 1);
}

/** At most so many in a stretch of time; counts what it held back. Pure but for its memory. */
export function createRateLimit(most: number, withinMs: number) {
  let sentMs: number[] = [];
  let suppressed = 0;
  /** How many were held back before this one, or undefined when this one is to be held back too. */
  return (nowMs: number): number | undefined => {
    sentMs = sentMs.filter((ms) => nowMs - ms < withinMs);
    if (sentMs.length >= most) {
      suppressed += 1;
      return undefined;
    }
    sentMs.push(nowMs);
    const before = suppressed;
    suppressed = 0;
    return before;
  };
}
