import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { createEvents } from "../../../watcher/events/event-map.ts";

interface Payloads {
  readonly counted: number;
  readonly error: string;
}

function eventsWithDefects() {
  const defects: unknown[] = [];
  return { ...createEvents<Payloads>((error) => defects.push(error)), defects };
}

test("each listener of an event hears it once, in the order of subscription, before tell returns", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8 }), fc.array(fc.integer()), (listeners, told) => {
      const { tell, on } = eventsWithDefects();
      const heard: [listener: number, payload: number][] = [];
      for (let index = 0; index < listeners; index += 1) {
        on("counted", (payload) => void heard.push([index, payload]));
      }
      on("error", () => assert.fail("another event was told"));
      for (const payload of told) tell("counted", payload);
      const all = Array.from({ length: listeners }, (_, index) => index);
      assert.deepEqual(
        heard,
        told.flatMap((payload) => all.map((index) => [index, payload])),
      );
    }),
  );
});

test("whichever listeners throw or reject, the others hear the event, and each defect is told", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("hears", "throws", "rejects")), async (kinds) => {
      const { tell, on, defects } = eventsWithDefects();
      const heard: number[] = [];
      for (const [index, kind] of kinds.entries()) {
        on("counted", () => {
          heard.push(index);
          if (kind === "throws") throw new Error(`${index}`);
          return kind === "rejects" ? Promise.reject(new Error(`${index}`)) : undefined;
        });
      }
      tell("counted", 1);
      await nextTurn();
      assert.deepEqual(heard, [...kinds.keys()]);
      const wrong = [...kinds.keys()].filter((index) => kinds[index] !== "hears");
      assert.deepEqual(
        defects.map((error) => Number(error instanceof Error ? error.message : Number.NaN)).sort(),
        wrong.sort(),
      );
    }),
  );
});

test("who subscribes while an event is told hears the next one, and who subscribes twice hears twice", () => {
  const { tell, on } = eventsWithDefects();
  const heard: string[] = [];
  const listener = (payload: number) => void heard.push(`late ${payload}`);
  on("counted", (payload) => {
    heard.push(`first ${payload}`);
    if (payload === 1) for (let times = 0; times < 2; times += 1) on("counted", listener);
  });
  tell("counted", 1);
  tell("counted", 2);
  assert.deepEqual(heard, ["first 1", "first 2", "late 2", "late 2"]);
});

test("an event that nobody hears is told all the same, whatever it is called", () => {
  const { tell, defects } = eventsWithDefects();
  tell("error", "nobody subscribed");
  assert.deepEqual(defects, []);
});
