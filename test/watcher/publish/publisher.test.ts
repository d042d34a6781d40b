import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Aedes, type AedesOptions } from "aedes";
import { createBrokerLink } from "../../../watcher/publish/broker-link.ts";
import { startEmbeddedBroker } from "../../../watcher/publish/embedded-broker.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";
import { freePort, listen, portOf, reader, startMosquitto, withoutMosquitto } from "./brokers.ts";
import { base, end, online, publisherTo, since, states, stopped } from "./publisher-to.ts";

async function embedded(t: TestContext) {
  const broker = await startEmbeddedBroker({ port: 0, ownClientId: "cnnt-edge-t-abcdef", base });
  t.after(broker.stop);
  const port = Number(new URL(broker.url).port);
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  return { broker, port, heard };
}

test("at each connect everything retained is said, the state last; a stop says offline and why", async (t) => {
  const { broker, heard } = await embedded(t);
  const { publisher } = publisherTo(broker.url, { password: broker.password });
  publisher.setState(online);
  publisher.publish(
    "folderState",
    { name: "f", state: "starting", since, queued: 0, waiting: { count: 0 } },
    { folder: "f" },
  );
  publisher.start();
  await until("the state is heard", () => states(heard).length === 1);
  await stopped(publisher);
  await until("offline is heard", () => states(heard).length === 2);
  assert.deepEqual(
    heard.map(({ topic, payload }) => [topic, payload["state"], payload["reason"]]),
    [
      [`${base}/folder/f/state`, "starting", undefined],
      [`${base}/state`, "online", undefined],
      [`${base}/state`, "offline", "stopped"],
    ],
  );
});

test("a ledger that refuses the last end that was told keeps no stop from saying offline", async (t) => {
  const { broker, heard } = await embedded(t);
  const markPublished = () => Promise.reject(new Error("the ledger's disk is full"));
  const { publisher, deliveries, problems } = publisherTo(broker.url, {
    password: broker.password,
    markPublished,
  });
  publisher.setState(online);
  publisher.start();
  await until("the state came back", () => deliveries.includes("arrives"));
  publisher.publishEnd(end);
  await stopped(publisher);
  await until("offline is heard", () => states(heard).at(-1) === "offline");
  assert.deepEqual(problems, ["the ledger's disk is full"]);
});

test("the embedded broker keeps strangers from saying that we are offline", async (t) => {
  const { broker, heard, port } = await embedded(t);
  const { publisher } = publisherTo(broker.url, { password: broker.password });
  publisher.setState(online);
  publisher.start();
  await until("the state is heard", () => states(heard).length === 1);
  const stranger = await reader(port);
  const cutOff = new Promise<void>((resolve) => stranger.on("close", () => resolve()));
  stranger.publish(`${base}/state`, '{"state":"offline"}', { qos: 1, retain: true });
  await cutOff;
  await stopped(publisher);
  assert.deepEqual(states(heard), ["online", "offline"]);
});

test("an end that was not confirmed is told again as replayed, once", async (t) => {
  const { broker, heard } = await embedded(t);
  const { publisher, unpublished } = publisherTo(broker.url, {
    password: broker.password,
    unpublished: [end],
  });
  publisher.setState(online);
  publisher.start();
  await until("it is confirmed", () => unpublished.size === 0);
  publisher.publishEnd({ ...end, id: "1123456789abcdef" });
  await until("the next end is heard", () => heard.some(({ topic }) => topic.endsWith("/1123456789abcdef")));
  await stopped(publisher);
  const ends = heard
    .filter(({ topic }) => topic === `${base}/job/${end.id}`)
    .map(({ payload }) => payload["replayed"]);
  assert.deepEqual(ends, [true]);
});

test("a message that its schema does not know is not sent, and said to be a defect", async (t) => {
  const { broker, heard } = await embedded(t);
  const { publisher, problems } = publisherTo(broker.url, { password: broker.password });
  publisher.setState(online);
  publisher.start();
  await until("the state is heard", () => states(heard).length === 1);
  publisher.publish("job", { ...end, folder: "No/Folder" }, { job: end.id });
  await stopped(publisher);
  assert.deepEqual(problems, ["a message does not fit its schema and was not sent"]);
  assert.deepEqual(
    heard.filter(({ topic }) => topic.includes("/job/")),
    [],
  );
});

test("texts lose what must not leave", async (t) => {
  const { broker, heard } = await embedded(t);
  const { publisher } = publisherTo(broker.url, { password: broker.password });
  publisher.setState({ ...online, state: "degraded", reason: "/secret/x is gone" });
  publisher.start();
  await until("the state is heard", () => states(heard).length === 1);
  await stopped(publisher);
  assert.equal(heard[0]?.payload["reason"], "x is gone");
});

test("the daemon's client id is refused to others, and its topics are read-only but for requests", async (t) => {
  const { port } = await embedded(t);
  const { connectAsync } = await import("mqtt");
  await assert.rejects(
    connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: "cnnt-edge-t-abcdef", reconnectPeriod: 0 }, false),
    /Not authorized/i,
  );
  const client = await reader(port);
  await client.publishAsync(`${base}/request/ping`, "{}", { qos: 1 });
  await client.endAsync(true);
});

test("Mosquitto restarted with an empty store has everything retained again", {
  skip: withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  let broker = await startMosquitto(folder, port);
  t.after(() => broker.kill("SIGKILL"));
  const { publisher, deliveries } = publisherTo(`mqtt://127.0.0.1:${port}`);
  publisher.setState(online);
  publisher.publish(
    "folderState",
    { name: "f", state: "watching", since, queued: 0, waiting: { count: 0 } },
    { folder: "f" },
  );
  publisher.start();
  await until("its state came back", () => deliveries.includes("arrives"));
  broker.kill("SIGKILL");
  await once(broker, "exit");
  broker = await startMosquitto(folder, port);
  const { client, heard } = await listen(port);
  await until("the state is heard again", () => states(heard).at(-1) === "online");
  assert.ok(heard.some(({ topic }) => topic === `${base}/folder/f/state`));
  await client.endAsync(true);
  await stopped(publisher);
});

test("a late will of the last process is corrected at once", { skip: withoutMosquitto }, async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const broker = await startMosquitto(folder, port);
  t.after(() => broker.kill("SIGKILL"));
  const { publisher } = publisherTo(`mqtt://127.0.0.1:${port}`);
  publisher.setState(online);
  publisher.start();
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  await until("the state is heard", () => states(heard).at(-1) === "online");
  for (let round = 1; round <= 2; round += 1) {
    await client.publishAsync(`${base}/state`, '{"state":"offline","boot":"00000000000000ff"}', {
      qos: 1,
      retain: true,
    });
    await until(
      "it is corrected",
      () => states(heard).filter((state) => state === "online").length === 1 + round,
    );
  }
  await stopped(publisher);
  await until("the stop is heard", () => heard.at(-1)?.payload["reason"] === "stopped");
});

const picture = (folder: string) => ({
  folder,
  job: "0123456789abcdef",
  source: "a.tif",
  png: "AAAA",
  width: 2,
  height: 1,
  plane: { t: 0, c: 0, z: 0 },
  display_range: [0, 1] as [number, number],
});

test("what is cleared is kept by the broker no more, also where it was cleared while nobody was connected", {
  skip: withoutMosquitto,
}, async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const broker = await startMosquitto(folder, port);
  t.after(() => broker.kill("SIGKILL"));
  const { publisher, retained } = publisherTo(`mqtt://127.0.0.1:${port}`);
  const pictures = ["now", "before"].map((name) => `${base}/preview/${name}`);
  for (const name of ["now", "before"]) publisher.publish("preview", picture(name), { folder: name });
  publisher.clear("preview", { folder: "before" });
  publisher.setState(online);
  publisher.start();
  t.after(() => publisher.stop(online, 100));
  const keptNow = async (): Promise<string[]> => {
    const { client, heard } = await listen(port);
    await until("the state is heard", () => states(heard).length > 0);
    await client.endAsync();
    return heard.flatMap(({ topic }) => (pictures.includes(topic) ? [topic] : []));
  };
  await until("one is kept", async () => (await keptNow()).join() === pictures[0]);
  await until("the other is forgotten", () => !retained.has(`${base}/preview/before`));
  publisher.clear("preview", { folder: "now" });
  await until("none is kept", async () => (await keptNow()).length === 0);
});

test("what is no longer configured is cleared from the broker", { skip: withoutMosquitto }, async (t) => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const broker = await startMosquitto(folder, port);
  t.after(() => broker.kill("SIGKILL"));
  const before = await reader(port);
  await before.publishAsync(`${base}/folder/old/state`, "{}", { qos: 1, retain: true });
  await before.endAsync();
  const { publisher, retained } = publisherTo(`mqtt://127.0.0.1:${port}`, {
    retained: [`${base}/folder/old/state`],
  });
  publisher.setState(online);
  publisher.start();
  await until("it is forgotten", () => !retained.has(`${base}/folder/old/state`));
  const { client, heard } = await listen(port);
  await until("the state is heard", () => states(heard).length > 0);
  assert.deepEqual(
    heard.filter(({ topic }) => topic.includes("/old/")),
    [],
  );
  await client.endAsync(true);
  await stopped(publisher);
});

const everybodyElse = "topic readwrite #\nuser cnnt-edge\n";

async function mosquittoWith(t: TestContext, rights: string) {
  const folder = await temporaryFolder();
  const port = await freePort();
  const broker = await startMosquitto(folder, port, `${everybodyElse}${rights}\n`);
  t.after(() => broker.kill("SIGKILL"));
  return { folder, port, broker, url: `mqtt://127.0.0.1:${port}` };
}

test("a user that may not publish is noticed, although the broker confirms each message, and so is the right once it is given", {
  skip: withoutMosquitto,
}, async (t) => {
  const { folder, broker, url } = await mosquittoWith(t, `topic read ${base}/#`);
  const { publisher, deliveries } = publisherTo(url);
  publisher.setState(online);
  publisher.start();
  await until("it is noticed", () => deliveries.length === 1);
  await writeFile(join(folder, "acl"), `${everybodyElse}topic readwrite ${base}/#\n`);
  broker.kill("SIGHUP");
  await until("published messages arrive", () => {
    publisher.setState(online);
    return deliveries.length === 2;
  });
  assert.deepEqual(deliveries, ["refused", "arrives"]);
  await stopped(publisher);
});

test("an end that the broker threw away for want of the right is told once the right is there, and so is what is retained", {
  skip: withoutMosquitto,
}, async (t) => {
  const { folder, broker, url, port } = await mosquittoWith(t, `topic read ${base}/#`);
  const { publisher, unpublished, deliveries } = publisherTo(url, { unpublished: [end] });
  publisher.setState(online);
  publisher.start();
  // Before it is noticed the broker has confirmed this one.
  publisher.publishEnd(end);
  await until("it is noticed", () => deliveries.includes("refused"));
  assert.deepEqual([...unpublished.keys()], [end.id]);
  const folderIsWatched = { name: "f", state: "watching", since, queued: 0, waiting: { count: 0 } } as const;
  publisher.publish("folderState", folderIsWatched, { folder: "f" });
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  await writeFile(join(folder, "acl"), `${everybodyElse}topic readwrite ${base}/#\n`);
  broker.kill("SIGHUP");
  await until("the end is told and known to be", () => {
    publisher.setState(online);
    return unpublished.size === 0;
  });
  // The reader's own socket may be read a moment after the publisher's.
  const told = () => heard.filter(({ topic }) => topic === `${base}/job/${end.id}`);
  await until("the end is heard", () => told().length > 0);
  assert.deepEqual(
    told().map(({ payload }) => payload["replayed"]),
    [true],
  );
  await until("what is retained is there", () =>
    heard.some(({ topic }) => topic.endsWith("/folder/f/state")),
  );
  await stopped(publisher);
});

test("a user that may not read its own state has its ends known as told when the broker confirms them", {
  skip: withoutMosquitto,
}, async (t) => {
  const { url } = await mosquittoWith(t, `topic write ${base}/#`);
  const { publisher, unpublished, deliveries } = publisherTo(url, { unpublished: [end] });
  publisher.setState(online);
  publisher.start();
  await until("it is known as told", () => unpublished.size === 0);
  assert.deepEqual(deliveries, ["accepted"]);
  await stopped(publisher);
});

test("a user that may publish but not read is not said to lack the right to publish", {
  skip: withoutMosquitto,
}, async (t) => {
  const { port, url } = await mosquittoWith(t, `topic write ${base}/#`);
  const { publisher, deliveries } = publisherTo(url);
  publisher.setState(online);
  publisher.start();
  await until("there is a verdict", () => deliveries.length === 1);
  assert.deepEqual(deliveries, ["accepted"]);
  const { client, heard } = await listen(port);
  await until("the state is there", () => states(heard).includes("online"));
  await client.endAsync(true);
  await stopped(publisher);
});

test("a user with all rights hears itself", { skip: withoutMosquitto }, async (t) => {
  const { url } = await mosquittoWith(t, `topic readwrite ${base}/#`);
  const { publisher, deliveries } = publisherTo(url);
  publisher.setState(online);
  publisher.start();
  await until("there is a verdict", () => deliveries.length > 0);
  publisher.setState(online);
  assert.deepEqual(deliveries, ["arrives"]);
  await stopped(publisher);
});

/** A broker that speaks MQTT 3.1.1 only and lets our user do as `rights` say. */
async function aedesWith(
  t: TestContext,
  rights: Pick<AedesOptions, "authorizePublish" | "authorizeForward">,
) {
  const broker = await Aedes.createBroker({ maxClientsIdLength: 128, ...rights });
  const server = createServer(broker.handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    broker.close();
    server.close();
  });
  return `mqtt://127.0.0.1:${portOf(server)}`;
}

test("a broker that closes the connection of a user without rights is told as such", async (t) => {
  const url = await aedesWith(t, { authorizePublish: (_client, _packet, done) => done(new Error("no")) });
  const { publisher, downs } = publisherTo(url);
  publisher.setState(online);
  publisher.start();
  await until("it is told", () => downs.length > 0);
  assert.match(
    downs[0] ?? "",
    /closed before our first messages came back; this user may lack the right to publish below cnnt-edge\/t\//,
  );
  await stopped(publisher);
});

test("a broker that throws out a user without rights again and again is not said to know another client of this id", async (t) => {
  const url = await aedesWith(t, { authorizePublish: (_client, _packet, done) => done(new Error("no")) });
  const { publisher, downs, problems } = publisherTo(url);
  publisher.setState(online);
  publisher.start();
  await until("it was thrown out four times", () => downs.length >= 4);
  assert.deepEqual(problems, []);
  await stopped(publisher);
});

test("a stop while a new connection is told what is retained is no problem", async (t) => {
  const { broker } = await embedded(t);
  let answer: ((topics: readonly string[]) => void) | undefined;
  const { publisher, problems } = publisherTo(broker.url, {
    password: broker.password,
    retainedTopics: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  });
  publisher.setState(online);
  publisher.start();
  const reply = await until("it has begun", () => answer);
  const stopping = stopped(publisher);
  reply([`${base}/folder/old/state`]);
  await stopping;
  assert.deepEqual(problems, []);
});

test("where nothing comes back and the broker cannot be asked, it is unknown whether messages arrive", async (t) => {
  const url = await aedesWith(t, { authorizeForward: () => null });
  const { publisher, deliveries } = publisherTo(url);
  publisher.setState(online);
  publisher.start();
  await until("there is a verdict", () => deliveries.length > 0);
  assert.deepEqual(deliveries, ["unknown"]);
  await stopped(publisher);
});

test("user and password are asked for at each connection, and a file that is missing meanwhile is no end", {
  skip: withoutMosquitto,
}, async (t) => {
  const { url } = await mosquittoWith(t, `topic readwrite ${base}/#`);
  const logins: string[] = [];
  const downs: string[] = [];
  const link = createBrokerLink({
    url,
    clientId: "cnnt-edge-t-abcdef",
    login: async () => {
      logins.push("asked");
      if (logins.length === 1) throw new Error("no password file");
      return { username: "cnnt-edge", password: undefined, ca: undefined };
    },
    onConnect: () => undefined,
    onMessage: () => undefined,
    onDown: (reason) => downs.push(reason),
    onFlapping: () => undefined,
  });
  link.start();
  await until("it is connected", () => link.client() !== undefined);
  assert.deepEqual(logins, ["asked", "asked"]);
  assert.deepEqual(downs, ["no password file"]);
  await link.stop();
});

test("the last will says that it is one, and claims no time at which the connection was lost", async (t) => {
  const { broker, heard, port } = await embedded(t);
  // A line that can be cut: no DISCONNECT reaches the broker.
  const lines: Socket[] = [];
  const cable = createServer((socket) => {
    const onward = createConnection(port, "127.0.0.1");
    lines.push(socket, onward);
    for (const end of [socket, onward]) end.on("error", () => undefined);
    socket.pipe(onward).pipe(socket);
  });
  cable.listen(0, "127.0.0.1");
  await once(cable, "listening");
  t.after(() => cable.close());
  const { publisher } = publisherTo(`mqtt://127.0.0.1:${portOf(cable)}`, { password: broker.password });
  publisher.setState(online);
  publisher.start();
  await until("it is online", () => states(heard).at(-1) === "online");
  for (const line of lines) line.destroy();
  const will = await until("the will is heard", () =>
    heard.find(({ payload }) => payload["state"] === "offline"),
  );
  const { will: isWill, since: lostSince, reason } = will.payload;
  assert.deepEqual([isWill, lostSince, reason], [true, undefined, "connection lost"]);
  await until("it is online again", () => states(heard).at(-1) === "online");
  await stopped(publisher);
});
