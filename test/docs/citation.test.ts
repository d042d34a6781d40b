import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { productVersion } from "../../runtime/machine/product-version.ts";
import { repository } from "../watcher/running-daemon.ts";
import { pageText } from "./fenced-blocks.ts";

const citationSchema = z.object({
  "cff-version": z.literal("1.2.0"),
  message: z.string(),
  title: z.literal("cnnt-edge"),
  version: z.string(),
  authors: z.array(z.object({ name: z.string() })).min(1),
  "preferred-citation": z.object({
    title: z.string(),
    doi: z.string(),
    authors: z.array(z.object({ "family-names": z.string(), "given-names": z.string() })),
    identifiers: z.array(z.object({ value: z.string() })),
  }),
});

test("CITATION.cff names the version that runs, and the same paper as the page", () => {
  const text = readFileSync(join(repository, "CITATION.cff"), "utf8");
  const citation = citationSchema.parse(parse(text));
  assert.equal(citation.version, productVersion);
  const paper = citation["preferred-citation"];
  const page = pageText("docs/citing.md").replace(/\s+/g, " ");
  for (const fact of [paper.title, paper.doi, ...paper.identifiers.map(({ value }) => value)]) {
    assert.ok(page.includes(fact.replace(/\s+/g, " ")), fact);
  }
  for (const { "family-names": name } of paper.authors) assert.ok(page.includes(name), name);
});
