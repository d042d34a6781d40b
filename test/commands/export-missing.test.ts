import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { runHere } from "./run-command.ts";

const scratch = mkdtempSync(join(tmpdir(), "export-missing-"));
after(() => rmSync(scratch, { recursive: true }));

const checkpoints = resolve(import.meta.dirname, "../fixtures/checkpoints");
const out = join(scratch, "package");

test("all that export needs and does not find is told at once, in the order of the command line", async () => {
  const occupied = mkdtempSync(join(scratch, "occupied-"));
  writeFileSync(join(occupied, "thesis.txt"), "");
  const result = await runHere([
    "export",
    join(scratch, "nofile.pth"),
    ...["--config", join(scratch, "nofile.json"), "--out", occupied],
    ...["--pairs", join(scratch, "nopairs"), "--card", join(scratch, "nocard.md")],
  ]);
  assert.equal(result.code, 2);
  const lines = result.stderr.trim().split("\n");
  assert.equal(lines.length, 5, result.stderr);
  for (const [i, pattern] of [
    /nofile\.pth: there is no such file/,
    /nofile\.json: there is no such configuration/,
    /occupied-.*: the output exists already/,
    /nopairs: the folder of pairs cannot be read/,
    /nocard\.md: there is no such file/,
  ].entries()) {
    assert.match(lines[i] ?? "", pattern);
  }
});

test("a checkpoint that is missing is told before what its JSON would say", async () => {
  const result = await runHere(["export", join(scratch, "nofile.pth"), "--out", out]);
  assert.equal(result.code, 2);
  assert.match(result.stderr, /^cnnt-edge: .*nofile\.pth: there is no such file[^\n]*\n$/);
});

test("named pipes as weights and as configuration are refused, and nothing waits for them", async () => {
  const pipe = join(scratch, "pipe");
  execFileSync("mkfifo", [pipe]);
  const result = await runHere(["export", pipe, "--config", pipe, "--out", out]);
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /pipe: this is a device or a pipe, not a file/);
});

test("a checkpoint of training without a JSON is told where training put that, and what else would do", async () => {
  const check = join(scratch, "logs", "check");
  const model = join(scratch, "logs", "model");
  for (const folder of [check, model]) mkdirSync(folder, { recursive: true });
  const weights = join(check, "01-02-2026_T03-04-05_epoch-5.pth");
  copyFileSync(join(checkpoints, "half.pt"), weights);
  const before = await runHere(["export", weights, "--out", out]);
  assert.equal(before.code, 2);
  assert.match(
    before.stderr,
    /cannot tell how training scaled intensities \(.*\), nor the number of attention heads \(one of 1, 2, 4, 8\), nor whether/,
  );
  assert.match(before.stderr, /--normalization and --intensity, --heads, --residual \/ --no-residual/);
  assert.match(before.stderr, /--model_path.*RUN__01-02-2026_T03-04-05_epoch-N_best\.json/);

  const json = join(model, "fish__01-02-2026_T03-04-05_epoch-30_best.json");
  copyFileSync(join(checkpoints, "half.json"), json);
  const afterwards = await runHere(["export", weights, "--out", out]);
  assert.ok(afterwards.stderr.includes(`Training put it into ${json}`), afterwards.stderr);
});

test("no path, name or account of training's JSON gets into the package, and that is said", async () => {
  const config = join(scratch, "training.json");
  const training = JSON.parse(readFileSync(join(checkpoints, "half.json"), "utf8")) as Record<
    string,
    unknown
  >;
  const more = {
    wandb_entity: "anna-lab",
    load_path: "/home/anna/x.pt",
    h5files: ["/data/anna.h5"],
    run_notes: "anna",
  };
  writeFileSync(config, JSON.stringify({ ...training, ...more }));
  const weights = join(checkpoints, "half.pt");
  const result = await runHere(["export", weights, "--config", config, "--no-cover", "--out", out]);
  assert.equal(result.code, 0, result.stderr);
  assert.match(
    result.stderr,
    /rdf\.yaml gets \d+ entries .*; \d+ others \(paths, names, notes, accounts\) are left out/,
  );
  assert.ok(existsSync(join(out, "model.onnx")));
  const text = readFileSync(join(out, "rdf.yaml"), "utf8");
  assert.doesNotMatch(text, /anna|\/home|wandb|h5files/);
  const rdf = parse(text) as { config: { training: { n_head: number } } };
  assert.equal(rdf.config.training.n_head, 2);
});

test("a card that the system does not open is refused in a line", async () => {
  const card = join(scratch, "card.md");
  const server = createServer().listen(card);
  await once(server, "listening");
  const { code, stderr } = await runHere([
    "export",
    join(checkpoints, "half.pt"),
    "--card",
    card,
    "--out",
    out,
  ]);
  server.close();
  assert.notEqual(code, 0);
  assert.match(stderr, /card\.md: the file cannot be opened \(found ENXIO\)/);
  assert.doesNotMatch(stderr, /internal error/);
});
