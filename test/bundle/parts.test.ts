import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { noticesOf } from "../../bundle/notices.ts";
import { isNeededHere, productParts, runtimePackages } from "../../bundle/parts.ts";

const root = resolve(import.meta.dirname, "../..");

test("the packages are those that run the product, and none that only develops it", async () => {
  const packages = await runtimePackages(root);
  for (const name of ["onnxruntime-node", "tsx", "esbuild", "zod", "@libsql/linux-x64-gnu"]) {
    assert.ok(packages.includes(`node_modules/${name}`), name);
  }
  for (const name of ["typescript", "@biomejs/biome", "fast-check", "wabt"]) {
    assert.ok(!packages.includes(`node_modules/${name}`), name);
  }
});

test("what is for other platforms stays away, our own files do not", () => {
  const of = (path: string): boolean => isNeededHere(path, "linux", "x64");
  const runtime = "node_modules/onnxruntime-node/bin/napi-v6";
  assert.ok(of(`${runtime}/linux`));
  assert.ok(of(`${runtime}/linux/x64/libonnxruntime_providers_cuda.so`));
  assert.ok(!of(`${runtime}/linux/arm64/libonnxruntime.so.1`));
  assert.ok(!of(`${runtime}/darwin`));
  assert.ok(!of("node_modules/@libsql/linux-x64-musl/index.node"));
  assert.ok(of("node_modules/@libsql/linux-x64-gnu/index.node"));
  assert.ok(of("docs/musl.md"));
});

test("every folder that is packed is there", () => {
  for (const part of productParts) assert.ok(existsSync(join(root, part)), part);
});

test("the notices name version and licence, and say where the text is missing", async () => {
  const text = await noticesOf(root, ["node_modules/zod", "node_modules/onnxruntime-node"]);
  assert.match(text, /^zod 4\.\d+\.\d+\nLicence: MIT\n/);
  assert.match(text, /Permission is hereby granted/);
  assert.match(text, /onnxruntime-node 1\.\d+\.\d+\nLicence: MIT\nThe package brings no licence text\./);
});
