import type { JobBody } from "../../core/messages.ts";
import type { DaemonConfig } from "../config/resolve.ts";
import type { DaemonLog } from "../events/daemon-log.ts";
import type { Folder } from "../folder/folder.ts";
import type { Job } from "../ledger/job.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { BrokerAccess } from "../publish/broker-access.ts";
import { createBrokerNews } from "../publish/broker-news.ts";
import type { ClientIdentity } from "../publish/client-identity.ts";
import { hidePaths, rootsOf } from "../publish/hide-paths.ts";
import { createPublisher, type Publisher } from "../publish/publisher.ts";
import { createRateLimit } from "../publish/rate-limit.ts";
import { retainedTopicsOf } from "../publish/topics.ts";

export interface DaemonPublisherOptions {
  readonly config: DaemonConfig;
  readonly identity: ClientIdentity;
  readonly broker: BrokerAccess;
  readonly ledger: Ledger;
  readonly folders: readonly Folder[];
  readonly bodyOf: (job: Job) => JobBody;
  readonly log: DaemonLog;
}

const logLines = { most: 10, withinMs: 60_000 };

/** The publisher of this configuration: warnings of the log go through it too, and the state of the broker into the log. */
export function createDaemonPublisher(options: DaemonPublisherOptions): Publisher {
  const { config, folders, identity, broker, ledger, bodyOf, log } = options;
  const roots = (): string[] =>
    rootsOf(
      config.state,
      folders.map((folder) => folder.config),
    );
  const calibrationIds = folders.flatMap(({ pinned }) => pinned.map(({ calibration }) => calibration.id));
  const ownTopics = retainedTopicsOf(identity.base, config.folders, calibrationIds);
  const news = createBrokerNews(broker.name, `${identity.base}/#`, log);
  const publisher = createPublisher({
    ...broker,
    ...identity,
    redact: (text) => (config.mqtt.expose_paths ? text : hidePaths(text, roots())),
    memory: {
      ...ledger,
      unpublished: async (limit) => (await ledger.unpublished(limit)).map(bodyOf),
    },
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
