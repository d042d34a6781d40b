import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { noticesOf } from "../../bundle/notices.ts";
import { isNeededHere, productParts, runtimePackages } from "../../bundle/stage.ts";
import { isEdgeError } from "../../core/errors.ts";

const root = resolve(import.meta.dirname, "../..");

test("the packages are those that run the product, and none that only develops it", async () => {
  const packages = await runtimePackages(root);
  for (const name of [
    "onnxruntime-node",
    "tsx",
    "esbuild",
    "zod",
    "@libsql/linux-x64-gnu",
    "@koromix/koffi-linux-x64",
  ]) {
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
  assert.ok(of("node_modules/@koromix/koffi-linux-x64/linux_x64/koffi.node"));
  assert.ok(!of("node_modules/@koromix/koffi-linux-x64/musl_x64/koffi.node"));
  assert.ok(of("docs/musl.md"));
});

test("every folder that is packed is there", () => {
  for (const part of productParts) assert.ok(existsSync(join(root, part)), part);
});

/** A sentence of each licence that no mention of its name contains. */
const sentences: Readonly<Record<string, RegExp>> = {
  MIT: /Permission is hereby granted, free of charge/,
  ISC: /Permission to use, copy, modify, and(?:\/or)? distribute this software/,
  "BSD-3-Clause": /Redistribution and use in source and binary forms/,
  "Apache-2.0": /TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION/,
  "LGPL-3.0-or-later":
    /GNU LESSER GENERAL PUBLIC LICENSE[\s\S]*Lesser[\s\S]*GNU GENERAL PUBLIC LICENSE[\s\S]*TERMS AND CONDITIONS/,
  "0BSD": /Permission to use, copy, modify, and\/or distribute this software/,
  "(MIT OR CC0-1.0)": /Permission is hereby granted, free of charge/,
  "SEE LICENSE IN LICENSE.txt": /NIST-developed software is provided by NIST as a public service/,
};

test("every package that is packed has its licence's text in the notices", async () => {
  const folders = (await runtimePackages(root)).filter(
    (folder) => existsSync(join(root, folder)) && isNeededHere(folder, process.platform, process.arch),
  );
  const notices = (await noticesOf(root, folders)).split(`\n${"-".repeat(80)}\n`);
  assert.equal(notices.length, folders.length);
  for (const notice of notices) {
    const [title = "", licence = ""] = notice.trim().split("\n");
    const sentence = sentences[licence.replace("Licence: ", "")];
    assert.ok(sentence !== undefined, `${title}: no sentence is known for "${licence}"`);
    assert.match(notice.replace(/\s+/g, " "), sentence, title);
  }
});

test("a package without a text gets that of the whole it is a part of, or its licence's with the holder", async () => {
  const of = (...names: string[]): Promise<string> =>
    noticesOf(
      root,
      names.map((name) => `node_modules/${name}`),
    );
  assert.match(await of("onnxruntime-node"), /Copyright \(c\) Microsoft Corporation\n\nPermission is hereby/);
  assert.match(
    await of("libsql", "@libsql/linux-x64-gnu"),
    /It is a part of libsql, with:\n\n[\s\S]*Joshua Wise/,
  );
  assert.match(await of("@img/sharp-libvips-linux-x64"), /From its README:\n\n[\s\S]*\| pango/);
});

test("a package whose licence has no text anywhere is not packed", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "notices-"));
  const facts = { name: "odd", version: "1.0.0", license: "Odd-1.0" };
  writeFileSync(join(scratch, "package.json"), JSON.stringify(facts));
  try {
    await assert.rejects(noticesOf(scratch, ["."]), (error) => isEdgeError(error, "bundle-licence-missing"));
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test("install.sh copies what is packed, and the packages and the lockfile with it", () => {
  const parts = execFileSync(
    "bash",
    [
      "-c",
      'source_dir="$1"; eval "$(sed -n "/^parts() {/,/^}/p" "$1/systemd/install.sh")"; parts',
      "bash",
      root,
    ],
    { encoding: "utf8" },
  );
  const copied = parts.trimEnd().split("\n");
  assert.deepEqual(copied.sort(), [...productParts, "node_modules", "package-lock.json"].sort());
});
