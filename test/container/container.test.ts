import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { productParts } from "../../bundle/stage.ts";
import { parseConfig } from "../../watcher/config/load.ts";
import { repository } from "../watcher/running-daemon.ts";

const containerfile = join(repository, "container/Containerfile");
const composeFile = join(repository, "container/compose.yaml");
const file = (path: string): string => readFileSync(join(repository, path), "utf8");

/** What is copied from the repository: each source and where it goes below the working folder, or absolute. */
function copied(): { from: string; to: string }[] {
  return [...readFileSync(containerfile, "utf8").matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(
    ([, words = ""]) => {
      const parts = words.split(" ");
      const target = parts.pop() ?? "";
      return parts.map((from) => ({
        from,
        to: target.endsWith("/") ? join(target, from.split("/").at(-1) ?? "") : target,
      }));
    },
  );
}

function without(program: string): string | false {
  return spawnSync(program, ["--version"]).error === undefined ? false : `${program} is not installed`;
}

test("every path that the image copies is in the repository, and .dockerignore lets it through", () => {
  const lines = file(".dockerignore").split("\n");
  const rules = lines.filter((line) => line !== "" && !line.startsWith("#"));
  assert.equal(rules[0], "*", "all is ignored but what is named");
  const named = new Set(rules.slice(1).map((rule) => rule.replace(/^!/, "")));
  assert.ok(
    rules.slice(1).every((rule) => /^![\w.-]+$/.test(rule)),
    "a rule that this test does not understand",
  );
  const sources = copied().map(({ from }) => from);
  assert.ok(sources.length > 10);
  for (const from of sources) {
    assert.ok(existsSync(join(repository, from)), `${from} is not there`);
    assert.ok(named.has(from.split("/")[0] ?? ""), `${from} is ignored`);
  }
});

test("the image has all parts of the product but the service, and nothing in it imports what is not there", () => {
  const inImage = copied().filter(({ to }) => !to.startsWith("/"));
  assert.ok(inImage.every(({ from, to }) => from === to));
  const parts = inImage.map(({ to }) => to);
  assert.deepEqual(
    productParts.filter((part) => part !== "systemd" && !parts.includes(part)),
    [],
  );
  const files = parts.flatMap((part) => {
    if (statSync(join(repository, part)).isFile()) return [part];
    return readdirSync(join(repository, part), { recursive: true }).map((name) => join(part, String(name)));
  });
  const programs = files.filter((name) => /\.(ts|js)$/.test(name));
  assert.ok(programs.length > 100, `${programs.length} programs`);
  const lost = programs
    .flatMap((name) =>
      [...file(name).matchAll(/(?:from|import|new URL\()\s*\(?\s*"(\.[^"]+)"/g)]
        .map(([, target = ""]) => join(dirname(name), target))
        .filter((target) => existsSync(join(repository, target)))
        .filter((target) => !parts.some((part) => target === part || target.startsWith(`${part}/`)))
        .map((target) => `${name} imports ${target}`),
    )
    // The place of the installation itself, not a file of it.
    .filter((line) => !/ imports \.\/?$/.test(line));
  assert.deepEqual(lost, []);
});

test("the image takes the GPU libraries of exactly the installed onnxruntime-node", () => {
  const manifest = JSON.parse(file("package.json")) as { dependencies: Record<string, string> };
  const wanted = /^ARG ONNXRUNTIME_VERSION=(.+)$/m.exec(file("container/Containerfile"))?.[1];
  assert.equal(wanted, manifest.dependencies["onnxruntime-node"]);
});

test("both images run as an ordinary user, answer signals themselves and are asked for their health", () => {
  const text = readFileSync(containerfile, "utf8");
  for (const target of ["cuda", "cpu"]) {
    const stage =
      new RegExp(`^FROM \\S+ AS ${target}$([\\s\\S]*?)(?=^FROM |(?![\\s\\S]))`, "m").exec(text)?.[1] ?? "";
    assert.match(stage, /^USER 1000:1000$/m, target);
    // The exec form: a shell as the first process would keep SIGTERM from the daemon.
    assert.match(stage, /^ENTRYPOINT \["node", /m, target);
    assert.match(stage, /^HEALTHCHECK /m, target);
  }
});

const composeSchema = z.object({
  services: z.object({
    "cnnt-edge": z.object({
      build: z.object({ context: z.string(), dockerfile: z.string(), target: z.string() }),
      volumes: z.array(z.string()),
      secrets: z.array(z.string()),
    }),
    mosquitto: z.object({ volumes: z.array(z.string()), ports: z.array(z.string()) }),
  }),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
  volumes: z.record(z.string(), z.unknown()),
});

test("the compose example mounts files that exist, and its configuration uses its own secret and user", () => {
  const compose = composeSchema.parse(parse(readFileSync(composeFile, "utf8")));
  const { "cnnt-edge": edge, mosquitto } = compose.services;
  assert.equal(join(dirname(composeFile), edge.build.context, edge.build.dockerfile), containerfile);
  for (const mount of [...edge.volumes, ...mosquitto.volumes]) {
    const [source = ""] = mount.split(":");
    if (source === "./data") continue;
    if (source.startsWith("./")) assert.ok(existsSync(join(dirname(composeFile), source)), mount);
    else assert.ok(source in compose.volumes, mount);
  }
  assert.notEqual(mosquitto.ports.length, 0);
  assert.ok(mosquitto.ports.every((port) => port.startsWith("127.0.0.1:")));
  const { mqtt } = parseConfig(file("container/with-mosquitto.yaml"), "with-mosquitto.yaml");
  assert.equal(mqtt.password_file, `/run/secrets/${edge.secrets[0]}`);
  assert.ok((edge.secrets[0] ?? "") in compose.secrets);
  assert.match(file("container/mosquitto/acl"), new RegExp(`^user ${mqtt.username}\ntopic readwrite`, "m"));
  parseConfig(file("container/config.yaml"), "config.yaml");
});

test("hadolint has nothing to say about the Containerfile", { skip: without("hadolint") }, () => {
  const { status, stdout } = spawnSync("hadolint", [containerfile], { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

test("the compose example is one by the Compose Specification", { skip: without("check-jsonschema") }, () => {
  const schema = ["--builtin-schema", "vendor.compose-spec", composeFile];
  const { status, stdout } = spawnSync("check-jsonschema", schema, { encoding: "utf8" });
  assert.equal(status, 0, stdout);
});
