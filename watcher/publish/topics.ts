import { type MessageName, messageKinds } from "../../core/messages.ts";

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
