import { randomBytes } from "node:crypto";
import { type MessageName, messageKinds } from "../../core/messages.ts";

export type ClientIdentity = ReturnType<typeof clientIdentity>;

/**
 * Who speaks to the broker: one start of a program, which `boot` names in each message, on behalf of an instance, below whose
 * `base` all topics stand.
 */
export function clientIdentity(instance: string) {
  const boot = randomBytes(8).toString("hex");
  return { boot, base: topicBase(instance), clientId: `cnnt-edge-${instance}-${boot.slice(0, 6)}` };
}

/** Where one message goes: names for the placeholders of its topic. */
export interface TopicNames {
  readonly folder?: string;
  readonly job?: string;
  readonly calibration?: string;
}

export function topicBase(instance: string): string {
  return `cnnt-edge/${instance}`;
}

export function topicOf(base: string, name: MessageName, names: TopicNames = {}): string {
  const below = messageKinds[name].topic
    .replace("{folder}", names.folder ?? "")
    .replace("{job}", names.job ?? "")
    .replace("{calibration}", names.calibration ?? "");
  return `${base}/${below}`;
}

/** The topics under which a broker keeps something of a daemon with these folders and pinned calibrations. */
export function retainedTopicsOf(
  base: string,
  folders: readonly { readonly name: string }[],
  calibrationIds: readonly string[],
): Set<string> {
  return new Set([
    topicOf(base, "state"),
    topicOf(base, "info"),
    topicOf(base, "jobLast"),
    ...folders.flatMap(({ name: folder }) => [
      topicOf(base, "folderState", { folder }),
      topicOf(base, "preview", { folder }),
    ]),
    ...calibrationIds.map((calibration) => topicOf(base, "calibration", { calibration })),
  ]);
}
