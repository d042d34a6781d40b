import type { JobBody, StateBody } from "../../../core/messages.ts";
import type { Delivery } from "../../../watcher/publish/delivery-watch.ts";
import { createPublisher, type Publisher } from "../../../watcher/publish/publisher.ts";

/** A publisher whose ledger is in memory, and what it said to the daemon. */

export const base = "cnnt-edge/t";
export const since = "2026-01-01T00:00:00.000Z";
export const online: StateBody = {
  state: "online",
  since,
  heartbeat_s: 30,
  engine: "ready",
};
export const end: JobBody = {
  id: "0123456789abcdef",
  folder: "f",
  source: "a.tif",
  series: 0,
  revision: 1,
  status: "done",
  attempt: 1,
};

export function publisherTo(
  url: string,
  change: {
    password?: string;
    unpublished?: JobBody[];
    retained?: string[];
    retainedTopics?: () => Promise<readonly string[]>;
    markPublished?: () => Promise<void>;
    keepaliveS?: number;
  } = {},
) {
  const unpublished = new Map((change.unpublished ?? []).map((job) => [job.id, job]));
  const retained = new Set(change.retained ?? []);
  const problems: string[] = [];
  const deliveries: Delivery[] = [];
  const downs: string[] = [];
  const publisher = createPublisher({
    url,
    clientId: "cnnt-edge-t-abcdef",
    login: async () => ({ username: "cnnt-edge", password: change.password, ca: undefined }),
    base,
    boot: "00000000000000aa",
    redact: (text) => text.replaceAll("/secret/", ""),
    memory: {
      unpublished: async (limit) => [...unpublished.values()].slice(0, limit),
      markPublished: change.markPublished ?? (async (id) => void unpublished.delete(id)),
      retainedTopics: change.retainedTopics ?? (async () => [...retained]),
      rememberRetained: async (topic) => void retained.add(topic),
      forgetRetained: async (topic) => void retained.delete(topic),
    },
    isCurrent: (topic) => topic === `${base}/state`,
    echoMs: 500,
    ...(change.keepaliveS === undefined ? {} : { keepaliveS: change.keepaliveS }),
    onDelivery: (delivery) => deliveries.push(delivery),
    onDown: (reason) => downs.push(reason),
    onProblem: (error) => problems.push(error.message),
  });
  return { publisher, unpublished, retained, problems, deliveries, downs };
}

export async function stopped(publisher: Publisher): Promise<void> {
  await publisher.stop({ ...online, state: "offline", reason: "stopped" }, 1000);
}

export const states = (heard: readonly { topic: string; payload: Record<string, unknown> }[]) =>
  heard.filter(({ topic }) => topic === `${base}/state`).map(({ payload }) => payload["state"]);
