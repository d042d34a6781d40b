import { z } from "zod";

/** What the messages of `messages.ts` are made of. */

export const time = z.iso.datetime({ precision: 3 });

export const count = z.int().nonnegative();

export const seconds = z.number().nonnegative();

/** The process that wrote a message: random, new at each start, so that words of a dead one can be told apart. */
const boot = z.string().regex(/^[0-9a-f]{16}$/);

export const calibrationId = z.string().regex(/^[0-9a-f]{16}$/);

/** Instance and folder names become topic levels: no slash, no wildcard, nothing to escape. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9-]{1,32}$/,
    "1 to 32 small letters, digits and hyphens, because it becomes part of a topic",
  );

/** What each message begins with. */
export const stamped = { v: z.literal(1), ts: time, boot };

export const errorFields = {
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
};
export const errorSchema = z.strictObject(errorFields);
