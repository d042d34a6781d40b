import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { EdgeError, isEdgeError, machineError } from "../../../core/errors.ts";
import { connect } from "../../../runtime/worker/connect.ts";
import type { Channel, End, Message } from "../../../runtime/worker/duties.ts";

interface WorkerDuties {
  readonly double: { readonly ask: number; readonly answer: number; readonly event: string };
  readonly note: { readonly ask: string };
}
interface ParentDuties {
  readonly allow: { readonly ask: number; readonly answer: boolean };
}

/** A channel whose messages lie in `sent` until the test hands them to the other side. */
function heldChannel() {
  const sent: Message[] = [];
  let receive: (message: unknown) => void = () => undefined;
  let ended: (end: End) => void = () => undefined;
  const channel: Channel = {
    send: (message) => void sent.push(structuredClone(message)),
    listen: (onMessage, onEnd) => {
      [receive, ended] = [onMessage, onEnd];
    },
  };
  return { channel, sent, receive: (message: unknown) => receive(message), end: (end: End) => ended(end) };
}

/** Two sides whose messages the test carries; `served` holds what the worker was asked and has not yet answered. */
function pair() {
  const [atParent, atWorker] = [heldChannel(), heldChannel()];
  const served: {
    n: number;
    signal: AbortSignal;
    answer: (n: number) => void;
    fail: (error: Error) => void;
  }[] = [];
  const notes: string[] = [];
  const losses: End[] = [];
  const worker = connect<WorkerDuties, ParentDuties>(
    atParent.channel,
    { allow: (n) => n % 2 === 0 },
    (end) => {
      losses.push(end);
      return machineError("the worker ended", { code: "lost", found: end.how });
    },
  );
  const parent = connect<ParentDuties, WorkerDuties>(
    atWorker.channel,
    {
      double: (n, { signal, tell }) => {
        tell(`begun ${n}`);
        return new Promise((answer, fail) => served.push({ n, signal, answer, fail }));
      },
      note: (text) => void notes.push(text),
    },
    () => new Error("the parent ended"),
  );
  const carry = {
    toWorker: () => atParent.sent.length > 0 && atWorker.receive(atParent.sent.shift()),
    toParent: () => atWorker.sent.length > 0 && atParent.receive(atWorker.sent.shift()),
  };
  const carryAll = async () => {
    while (atParent.sent.length + atWorker.sent.length > 0) {
      carry.toWorker();
      carry.toParent();
      await turn();
    }
  };
  return { worker, parent, atParent, atWorker, served, notes, losses, carry, carryAll };
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("ask" as const), n: fc.nat(1000) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("carry down" as const, "carry up" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("answer" as const, "fail" as const, "cancel" as const),
      which: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("die" as const, "end" as const) }) },
);

test("each request settles exactly once, with its own answer or error, whatever comes when; a dead side is told nothing", () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { worker, atParent, atWorker, served, losses, carry, carryAll } = pair();
      const requests: { n: number; cancel: AbortController; ends: unknown[] }[] = [];
      let over = false;
      for (const one of steps) {
        if (one.do === "ask") {
          const own = { n: one.n, cancel: new AbortController(), ends: [] as unknown[] };
          requests.push(own);
          worker.tell("note", "told like all that is asked");
          worker.ask("double", one.n, { signal: own.cancel.signal }).then(
            (value) => own.ends.push(value),
            (error: unknown) => own.ends.push(error),
          );
        }
        if (one.do === "carry down") carry.toWorker();
        if (one.do === "carry up") carry.toParent();
        if (one.do === "answer") served.splice(one.which, 1).forEach(({ n, answer }) => void answer(2 * n));
        if (one.do === "fail")
          served
            .splice(one.which, 1)
            .forEach(({ n, fail }) => void fail(machineError("no", { code: `no-${n}` })));
        if (one.do === "cancel") requests[one.which]?.cancel.abort();
        if (one.do === "die" || one.do === "end") {
          if (one.do === "die") atParent.end({ how: "exit code 1" });
          else worker.end(machineError("given up", { code: "given-up" }));
          atWorker.end({ how: "disconnected" });
          over = true;
          atParent.sent.length = 0;
          atWorker.sent.length = 0;
        }
        await turn();
        if (over) assert.deepEqual([atParent.sent, atWorker.sent], [[], []]);
      }
      await carryAll();
      for (const { n, answer } of served.splice(0)) answer(2 * n);
      await turn();
      await carryAll();
      await turn();
      assert.ok(losses.length <= 1);
      for (const { n, ends } of requests) {
        assert.equal(ends.length, 1);
        const [end] = ends;
        if (end !== 2 * n) {
          assert.ok(
            isEdgeError(end, `no-${n}`) ||
              (over && (isEdgeError(end, "lost") || isEdgeError(end, "given-up"))),
          );
        }
      }
      if (!over)
        assert.ok(requests.every(({ n, ends }) => ends[0] === 2 * n || isEdgeError(ends[0], `no-${n}`)));
    }),
    { numRuns: 300 },
  ));

test("an error keeps its kind, code, file, place, finding, remedy and whether another attempt may succeed", () =>
  fc.assert(
    fc.asyncProperty(
      fc.record(
        {
          code: fc.stringMatching(/^[a-z-]+$/),
          file: fc.string(),
          at: fc.string(),
          found: fc.string(),
          allowed: fc.string(),
          remedy: fc.string(),
          retryable: fc.boolean(),
        },
        { requiredKeys: ["code"] },
      ),
      fc.constantFrom("format", "unsupported", "usage", "machine", "verification"),
      async (fields, kind) => {
        const { worker, served, carryAll } = pair();
        const asked = worker.ask("double", 1).catch((error: unknown) => error);
        await carryAll();
        const thrown = new EdgeError(kind, "it went wrong", fields);
        served[0]?.fail(thrown);
        await turn();
        await carryAll();
        const received = await asked;
        assert.ok(received instanceof EdgeError);
        assert.deepEqual({ ...received, message: received.message }, { ...thrown, message: thrown.message });
      },
    ),
  ));

test("a defect of ours stays one, and is not taken for an error that a person should mend", async () => {
  const { worker, served, carryAll } = pair();
  const asked = worker.ask("double", 1).catch((error: unknown) => error);
  await carryAll();
  served[0]?.fail(new TypeError("x is not a function"));
  await turn();
  await carryAll();
  const received = await asked;
  assert.ok(received instanceof Error && !isEdgeError(received));
  assert.equal(received.message, "x is not a function");
});

test("what is told while a request is served reaches its asker before the answer, and no other asker", async () => {
  const { worker, served, carryAll } = pair();
  const told: string[] = [];
  const first = worker.ask("double", 1, { onEvent: (event) => told.push(`first: ${event}`) });
  const second = worker.ask("double", 2, { onEvent: (event) => told.push(`second: ${event}`) });
  await carryAll();
  assert.deepEqual(told, ["first: begun 1", "second: begun 2"]);
  for (const { n, answer } of served) answer(2 * n);
  await turn();
  await carryAll();
  assert.deepEqual(await Promise.all([first, second]), [2, 4]);
});

test("what is told of a request after its answer, or after the end of its asker, reaches nobody", async () => {
  const { worker, atParent, carryAll } = pair();
  const told: string[] = [];
  const asked = worker.ask("double", 1, { onEvent: (event) => told.push(event) });
  const other = worker.ask("double", 2, { onEvent: (event) => told.push(event) });
  other.catch(() => undefined);
  atParent.receive({ kind: "answer", id: 1, value: 2 });
  atParent.receive({ kind: "event", id: 1, value: "late" });
  assert.equal(await asked, 2);
  worker.end(new Error("given up"));
  atParent.receive({ kind: "event", id: 2, value: "late" });
  await carryAll();
  assert.deepEqual(told, []);
});

test("either side asks the other, and both may only tell", async () => {
  const { worker, parent, notes, carryAll } = pair();
  const asked = Promise.all([parent.ask("allow", 3), parent.ask("allow", 4)]);
  worker.tell("note", "a");
  worker.tell("note", "b");
  await carryAll();
  assert.deepEqual(await asked, [false, true]);
  assert.deepEqual(notes, ["a", "b"]);
});

test("a request that is given up hears of it, and so does one whose asker died", async () => {
  const { worker, atWorker, served, carryAll } = pair();
  const cancel = new AbortController();
  worker.ask("double", 1, { signal: cancel.signal }).catch(() => undefined);
  worker.ask("double", 2).catch(() => undefined);
  await carryAll();
  cancel.abort();
  await carryAll();
  assert.deepEqual(
    served.map(({ signal }) => signal.aborted),
    [true, false],
  );
  atWorker.end({ how: "disconnected" });
  assert.ok(served.every(({ signal }) => signal.aborted));
});

test("what was given up before it was sent is never sent", async () => {
  const { worker, atParent } = pair();
  await assert.rejects(worker.ask("double", 1, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.deepEqual(atParent.sent, []);
});

test("a side that says what the protocol does not know counts as lost", async () => {
  for (const nonsense of [
    undefined,
    7,
    {},
    { kind: "nonsense" },
    { kind: "tell", name: "toString", value: 1 },
  ]) {
    const { worker, atParent, losses } = pair();
    const asked = worker.ask("double", 1);
    atParent.receive(nonsense);
    await assert.rejects(asked, { code: "lost", found: "it sent a message that the protocol does not know" });
    await assert.rejects(worker.ask("double", 2), { code: "lost" });
    assert.equal(losses.length, 1);
  }
});

test("what cannot be sent is refused to whoever asks, and the channel goes on", async () => {
  const { worker, served, carryAll } = pair();
  const unsendable = (() => undefined) as unknown as number;
  await assert.rejects(worker.ask("double", unsendable), { name: "DataCloneError" });
  const refused = assert.rejects(worker.ask("double", 1), /could not be cloned/);
  await carryAll();
  served.shift()?.answer(unsendable);
  await turn();
  await carryAll();
  await refused;
  const next = worker.ask("double", 2);
  await carryAll();
  served.shift()?.answer(4);
  await turn();
  await carryAll();
  assert.equal(await next, 4);
});
