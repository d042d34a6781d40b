import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { JobBody } from "../../../core/messages.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { until } from "../until.ts";
import { freePort, listen, portOf, startMosquitto, withoutMosquitto } from "./brokers.ts";
import { base, end, online, publisherTo, stopped } from "./publisher-to.ts";

/** A broker that hangs takes what is written to it and answers nothing, until it goes on. */

const keepaliveS = 1;

/** Jobs that begin and end while `broker` hangs, each as the daemon tells it; `stop` gives the ends. */
function endJobs({ publisher, unpublished }: ReturnType<typeof publisherTo>) {
  const ends: JobBody[] = [];
  const timer = setInterval(() => {
    const job = { ...end, id: ends.length.toString(16).padStart(16, "0") };
    ends.push(job);
    unpublished.set(job.id, job);
    publisher.publish("job", { ...job, status: "running" }, { job: job.id });
    publisher.publishEnd(job);
  }, 10);
  return () => {
    clearInterval(timer);
    return ends;
  };
}

test("while a broker hangs the daemon goes on, and all ends arrive when the broker goes on", {
  skip: withoutMosquitto,
}, async (t) => {
  const port = await freePort();
  const broker = await startMosquitto(await temporaryFolder(), port);
  t.after(() => broker.kill("SIGKILL"));
  const { client, heard } = await listen(port);
  t.after(() => client.endAsync(true));
  const teller = publisherTo(`mqtt://127.0.0.1:${port}`, { keepaliveS });
  const { publisher, unpublished, deliveries, downs } = teller;
  publisher.setState(online);
  publisher.start();
  await until("messages arrive", () => deliveries.includes("arrives"));
  const stopJobs = endJobs(teller);
  t.after(stopJobs);
  broker.kill("SIGSTOP");
  await until("the hang is noticed", () => downs.length > 0);
  assert.equal(downs[0], "Keepalive timeout");
  broker.kill("SIGCONT");
  await until("messages arrive again", () => deliveries.filter((said) => said === "arrives").length === 2);
  const ends = stopJobs();
  await until("all ends are known as told", () => unpublished.size === 0);
  const told = new Set(heard.filter(({ payload }) => payload["status"] === "done").map(({ topic }) => topic));
  assert.notEqual(ends.length, 0);
  const missing = ends.filter(({ id }) => !told.has(`${base}/job/${id}`));
  assert.deepEqual(missing, []);
  await stopped(publisher);
});

/** A line to `port` that can be made to take and to give nothing. */
async function cableTo(t: TestContext, port: number) {
  const ours: Socket[] = [];
  const server: Server = createServer((socket) => {
    const onward = createConnection(port, "127.0.0.1");
    ours.push(socket);
    for (const line of [socket, onward]) line.on("error", () => undefined);
    socket.pipe(onward).pipe(socket);
    t.after(() => onward.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return {
    url: `mqtt://127.0.0.1:${portOf(server)}`,
    /** What is sent is still read, so that the end of the connection is seen, but it goes nowhere. */
    hang: () => {
      for (const socket of ours) {
        socket.unpipe();
        socket.resume();
      }
    },
    open: () => ours.filter((socket) => !socket.closed).length,
  };
}

test("a stop while the broker hangs ends, and closes the connection", {
  skip: withoutMosquitto,
}, async (t) => {
  const port = await freePort();
  const broker = await startMosquitto(await temporaryFolder(), port);
  t.after(() => broker.kill("SIGKILL"));
  const cable = await cableTo(t, port);
  const teller = publisherTo(cable.url, { keepaliveS: 60 });
  const { publisher, unpublished, deliveries } = teller;
  publisher.setState(online);
  publisher.start();
  await until("messages arrive", () => deliveries.includes("arrives"));
  cable.hang();
  const stopJobs = endJobs(teller);
  await until("ends wait for the broker", () => unpublished.size > 50);
  stopJobs();
  await stopped(publisher);
  assert.ok(unpublished.size > 50, "what was not confirmed is still to be told");
  await until("the connection is closed", () => cable.open() === 0);
});

test("a broker that lets the user in and then hangs is not said to refuse its messages", async (t) => {
  const letIn = Buffer.from([0x20, 0x02, 0x00, 0x00]);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.write(letIn)).resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { publisher, downs } = publisherTo(`mqtt://127.0.0.1:${portOf(server)}`, { keepaliveS });
  publisher.setState(online);
  publisher.start();
  await until("the hang is noticed", () => downs.length > 0);
  assert.equal(downs[0], "Keepalive timeout");
  await stopped(publisher);
});
