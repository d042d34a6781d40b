import assert from "node:assert/strict";
import { test } from "node:test";
import { describeError } from "../../../core/errors.ts";
import { createBrokerNews } from "../../../watcher/publish/broker-news.ts";

function newsAt(clock: () => number) {
  const lines: string[] = [];
  const log = {
    info: (text: string) => void lines.push(text),
    warn: (error: unknown) => void lines.push(describeError(error)),
  };
  return { lines, news: createBrokerNews("mqtt://b", "cnnt-edge/t/#", log, clock) };
}

test("a broker that stays away is told at once, with each new reason and every ten minutes, not at each attempt", () => {
  let clock = 0;
  const { lines, news } = newsAt(() => clock);
  for (; clock < 25 * 60_000; clock += 10_000) news.down("ECONNREFUSED");
  assert.equal(lines.length, 3);
  news.down("Not authorized");
  assert.match(lines.at(-1) ?? "", /not connected \(mqtt:\/\/b; found Not authorized\)/);
  news.delivery("arrives");
  news.down("Not authorized");
  assert.equal(lines.length, 6);
});

test("connected is said with what is known of whether messages arrive, and with what to do", () => {
  const { lines, news } = newsAt(() => 0);
  for (const delivery of ["arrives", "accepted", "refused", "unknown"] as const) news.delivery(delivery);
  assert.deepEqual(lines, [
    "connected to mqtt://b; published messages arrive",
    "connected to mqtt://b; the broker takes published messages, but this user may not read them",
    "connected to mqtt://b, but the broker refuses published messages: this user may not publish on cnnt-edge/t/#. Give the user the right to read and write cnnt-edge/t/# on the broker. Jobs go on",
    "connected to mqtt://b, but published messages do not come back, so it is unknown whether they arrive. Give the user the right to read and write cnnt-edge/t/# on the broker. Jobs go on",
  ]);
});
