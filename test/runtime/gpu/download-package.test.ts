import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { type DownloadLimits, downloadPackage, usualLimits } from "../../../runtime/gpu/download-package.ts";

const scratch = mkdtempSync(join(tmpdir(), "download-"));
after(() => rmSync(scratch, { recursive: true }));
const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
const packagePath = "/flat/some.gpu/9.8.7/some.gpu.9.8.7.nupkg";
const limits: DownloadLimits = { ...usualLimits, protocol: "http:", attempts: 3, pauseMs: 1 };

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An index on the loopback interface; `answers` give the package, one for each request, the last one for the rest. */
async function madeIndex(t: TestContext, answers: readonly Answer[], index?: Answer) {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/index.json") {
      if (index !== undefined) return index(request, response);
      const { port } = server.address() as AddressInfo;
      const base = { "@id": `http://127.0.0.1:${port}/flat`, "@type": "PackageBaseAddress/3.0.0" };
      response.end(JSON.stringify({ version: "3.0.0", resources: [base] }));
    } else if (request.url === packagePath) {
      const answer = answers[Math.min(ranges.length, answers.length - 1)];
      ranges.push(request.headers.range);
      answer?.(request, response);
    } else if (request.url === "/elsewhere") sendAll(request, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const folder = mkdtempSync(join(scratch, "cache-"));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/index.json`;
  return {
    ranges,
    folder,
    fetchIt: (changed: Partial<Parameters<typeof downloadPackage>[0]> = {}): Promise<string> =>
      downloadPackage({
        address: { index: url, name: "Some.Gpu", version: "9.8.7" },
        folder,
        limits,
        onProgress: () => undefined,
        signal: new AbortController().signal,
        ...changed,
      }),
  };
}

const sendAll: Answer = (_, response) =>
  response.writeHead(200, { "content-length": content.length }).end(content);

const sendRange: Answer = (request, response) => {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1]);
  const part = content.subarray(start);
  response
    .writeHead(206, {
      "content-length": part.length,
      "content-range": `bytes ${start}-${content.length - 1}/${content.length}`,
    })
    .end(part);
};

const sendHalf: Answer = (_, response) => {
  response.writeHead(200, { "content-length": content.length });
  response.write(content.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
};

const sendHalfAndWait: Answer = (_, response) => {
  response.writeHead(200, { "content-length": content.length });
  response.write(content.subarray(0, 50_000));
};

const status =
  (code: number): Answer =>
  (_, response) =>
    void response.writeHead(code).end("no");

test("the package is found through the index and arrives whole, with its length told", async (t) => {
  const { fetchIt, folder } = await madeIndex(t, [sendAll]);
  const seen: number[] = [];
  const file = await fetchIt({
    onProgress: ({ bytes, totalBytes }) => {
      assert.equal(totalBytes, content.length);
      seen.push(bytes);
    },
  });
  assert.deepEqual(readFileSync(file), content);
  assert.equal(seen.at(-1), content.length);
  assert.deepEqual(readdirSync(folder), ["some.gpu.9.8.7.nupkg"]);
});

test("a file that is there already is not downloaded again", async (t) => {
  const { fetchIt, ranges } = await madeIndex(t, [sendAll]);
  await fetchIt();
  await fetchIt();
  assert.equal(ranges.length, 1);
});

test("a connection that is cut or falls silent is taken up where it was", async (t) => {
  for (const broken of [sendHalf, sendHalfAndWait]) {
    const { fetchIt, ranges } = await madeIndex(t, [broken, sendRange]);
    const file = await fetchIt({ limits: { ...limits, stallMs: 1000 } });
    assert.deepEqual(readFileSync(file), content);
    assert.deepEqual(ranges, [undefined, "bytes=50000-"]);
  }
});

test("a server that knows no ranges, and one that gives another range, begin from the start", async (t) => {
  const otherRange: Answer = (_, response) =>
    void response.writeHead(206, { "content-range": "bytes 7-9/10", "content-length": 3 }).end("abc");
  for (const answers of [
    [sendHalf, sendAll],
    [sendHalf, otherRange, sendAll],
    [sendHalf, status(416), sendAll],
  ]) {
    const { fetchIt } = await madeIndex(t, answers);
    assert.deepEqual(readFileSync(await fetchIt()), content);
  }
});

test("a server that fails each time is left after a few attempts, and what came is kept", async (t) => {
  const { fetchIt, ranges, folder } = await madeIndex(t, [sendHalf, status(503)]);
  await assert.rejects(fetchIt(), (error) => isEdgeError(error, "gpu-download-cut") && error.retryable);
  assert.equal(ranges.length, 1 + limits.attempts);
  assert.equal(readFileSync(join(folder, "some.gpu.9.8.7.nupkg.partial")).length, 50_000);
});

test("what is not there is not asked for again, and --from is named", async (t) => {
  const { fetchIt, ranges } = await madeIndex(t, [status(404)]);
  await assert.rejects(fetchIt(), (error) => {
    assert.ok(isEdgeError(error, "gpu-download-refused"));
    assert.match(error.found ?? "", /404/);
    assert.match(error.remedy ?? "", /--from/);
    return true;
  });
  assert.equal(ranges.length, 1);
});

test("redirects are followed, but not for ever and not to another protocol", async (t) => {
  const to =
    (location: string): Answer =>
    (_, response) =>
      void response.writeHead(302, { location }).end();
  const { fetchIt } = await madeIndex(t, [to("/elsewhere")]);
  assert.deepEqual(readFileSync(await fetchIt()), content);
  for (const location of [packagePath, "ftp://127.0.0.1/x", "https://127.0.0.1:1/x"]) {
    const circling = await madeIndex(t, [to(location)]);
    await assert.rejects(circling.fetchIt(), (error) => isEdgeError(error, "gpu-download-refused"));
  }
});

test("by default nothing is asked for without TLS", async (t) => {
  const { fetchIt, ranges } = await madeIndex(t, [sendAll]);
  await assert.rejects(fetchIt({ limits: usualLimits }), (error) =>
    isEdgeError(error, "gpu-download-refused"),
  );
  assert.equal(ranges.length, 0);
});

test("a package that is larger than allowed is refused, whether its length is told or not", async (t) => {
  const untold: Answer = (_, response) => void response.writeHead(200).end(content);
  for (const answer of [sendAll, untold]) {
    const { fetchIt, folder } = await madeIndex(t, [answer]);
    await assert.rejects(fetchIt({ limits: { ...limits, maxBytes: 60_000 } }), (error) =>
      isEdgeError(error, "gpu-download-too-large"),
    );
    assert.ok(!existsSync(join(folder, "some.gpu.9.8.7.nupkg")));
  }
});

test("an index in another form is refused", async (t) => {
  for (const text of ["", "{}", '{"resources":[]}', "<html>", "x".repeat(5 << 20)]) {
    const { fetchIt } = await madeIndex(t, [sendAll], (_, response) => void response.end(text));
    await assert.rejects(fetchIt(), (error) => isEdgeError(error, "gpu-index-unknown"));
  }
});

test("an interruption ends the download and leaves no finished file", async (t) => {
  const { fetchIt, folder } = await madeIndex(t, [sendHalfAndWait]);
  const interrupt = new AbortController();
  const downloading = fetchIt({ signal: interrupt.signal, onProgress: () => interrupt.abort() });
  await assert.rejects(downloading, { name: "AbortError" });
  assert.ok(!existsSync(join(folder, "some.gpu.9.8.7.nupkg")));
});
