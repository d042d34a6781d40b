import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { completeAddress, readAddress } from "../../../watcher/config/broker-address.ts";

test("user, password and query are taken out of what is shown", () => {
  assert.deepEqual(readAddress("mqtts://scope:p%40ss@broker.lab:8883"), {
    url: "mqtts://broker.lab:8883",
    shown: "mqtts://broker.lab:8883",
    username: "scope",
    password: "p@ss",
  });
  const { url, shown } = readAddress("wss://broker.lab/mqtt?token=abc#d");
  assert.deepEqual([url, shown], ["wss://broker.lab/mqtt?token=abc#d", "wss://broker.lab/mqtt"]);
});

test("an address without user and password is shown as it was written", () => {
  for (const url of ["mqtt://broker.lab", "mqtt://10.0.0.7:1884", "mqtt://[::1]:1883"]) {
    assert.equal(readAddress(url).shown, url);
  }
});

test("no password is ever shown, and each reaches the client as it is", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (secret) => {
      const address = completeAddress(`mqtt://user:${encodeURIComponent(secret)}@broker.lab`);
      assert.ok(address !== undefined);
      const { url, shown, password } = readAddress(address);
      assert.deepEqual([url, shown, password], ["mqtt://broker.lab", "mqtt://broker.lab", secret]);
    }),
  );
});

test("a bare host is an mqtt:// address; other schemes, spaces and nonsense are none", () => {
  assert.equal(completeAddress("[::1]:1883"), "mqtt://[::1]:1883");
  for (const text of ["", "http://a", "mqtt:a", "mqtt://", "mqtt://a b", "a b", "mqtt://a:99999", "a/b"]) {
    assert.equal(completeAddress(text), undefined, text);
  }
});
