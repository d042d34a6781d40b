import type { JobBody } from "../../core/messages.ts";
import type { DaemonConfig } from "../config/resolve.ts";
import type { DaemonEvents } from "../events/daemon-events.ts";
import type { Events } from "../events/event-map.ts";
import type { Folder } from "../folder/folder.ts";
import { pinnedMessages } from "../folder/pinned-calibrations.ts";
import type { Job } from "../ledger/job.ts";
import { jobMessage } from "../messages/job-message.ts";
import type { BrokerAccess } from "../publish/broker-access.ts";
import type { ClientIdentity } from "../publish/client-identity.ts";
import { type AnnouncerOptions, createAnnouncer } from "./announcer.ts";
import { createDaemonPublisher } from "./daemon-publisher.ts";
import { countDeliveries } from "./deliveries.ts";
import { publishPreviews } from "./previews.ts";
import { publishJobs } from "./publish-jobs.ts";
import { createThroughput } from "./throughput.ts";

/** All that the daemon says to the broker and to the service manager. */
export interface Announcement {
  readonly start: () => Promise<void>;
  /** From now on the daemon's state is `draining`. */
  readonly drain: () => void;
  /** The last state of all, and the end of the link. */
  readonly stop: () => Promise<void>;
}

type OwnParts = "exposePaths" | "publisher" | "throughput" | "delivered";

export interface AnnouncementOptions extends Omit<AnnouncerOptions, OwnParts> {
  readonly config: DaemonConfig;
  readonly identity: ClientIdentity;
  readonly broker: BrokerAccess;
  /** Sources of the folder are not moved before the answer is called. */
  readonly holdSources: (folder: Folder) => () => void;
}

/** The broker has this long for its word on what was said last. */
const lastWordMs = 3_000;

export function announce(events: Events<DaemonEvents>, options: AnnouncementOptions): Announcement {
  const { config, broker, ledger, engine, folders, log } = options;
  const { expose_paths: exposePaths, preview } = config.mqtt;
  const outputOf = new Map(config.folders.map(({ name, output }) => [name, output]));
  const bodyOf = (job: Job): JobBody => jobMessage(job, outputOf.get(job.folder));
  const publisher = createDaemonPublisher({ ...options, bodyOf });
  publishJobs(events, { publisher, bodyOf, provider: () => engine.facts()?.provider });
  // Pictures are data: they go to a foreign broker only where that is asked for.
  if (preview ?? broker.embedded) {
    publishPreviews(events, { publisher, folders, holdSources: options.holdSources, log });
  }
  const throughput = createThroughput(() => engine.facts()?.networkVoxelsPerS);
  const delivered = countDeliveries(events, throughput);
  const announcer = createAnnouncer(events, { ...options, exposePaths, publisher, throughput, delivered });

  return {
    start: async () => {
      const last = await ledger.lastEnded();
      if (last !== undefined) publisher.publish("jobLast", bodyOf(last));
      for (const body of pinnedMessages(folders, exposePaths)) {
        publisher.publish("calibration", body, { calibration: body.id });
      }
      await announcer.start();
      publisher.start();
    },
    drain: announcer.drain,
    stop: () => publisher.stop(announcer.stop(), lastWordMs),
  };
}
