import assert from "node:assert/strict";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { parseConfig } from "../../../watcher/config/load.ts";
import { resolveConfig } from "../../../watcher/config/resolve.ts";

function refusal(text: string): string {
  try {
    parseConfig(text, "c.yaml");
  } catch (error) {
    assert.ok(isEdgeError(error));
    assert.equal(error.kind, "usage");
    return error.message;
  }
  return assert.fail("it was accepted");
}

test("nothing at all is a configuration: ./incoming to ./denoised, the embedded broker", () => {
  const config = resolveConfig(parseConfig("", "c.yaml"), "/lab", "/opt/cnnt-edge");
  assert.equal(config.folders[0]?.path, "/lab/incoming");
  assert.equal(config.folders[0]?.output, "/lab/denoised");
  assert.equal(config.mqtt.url, null);
  assert.equal(config.state, "/lab/state");
});

test("all problems are told at once, each with its line and column", () => {
  const text = "instance: Scope 2\nfolders:\n  - name: a\n    path: x\n    outptu: y\nhttp: {port: 1}\n";
  assert.equal(
    refusal(text),
    "the configuration has 4 problems: " +
      "line 1, column 1: instance: 1 to 32 small letters, digits and hyphens, because it becomes part of a topic; " +
      "line 3, column 5: folders.0.output: this option is missing; " +
      'line 5, column 5: folders.0: there is no option "outptu"; did you mean "output"?; ' +
      'line 6, column 1: there is no option "http"',
  );
});

test("text that is no YAML is refused with its place", () => {
  assert.match(refusal("a: [1\nb: 2"), /^the configuration has a problem: line 2, column 1: /);
});

test("aliases that unfold for ever are refused", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]",
    "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]",
    "d: [*c,*c,*c,*c,*c,*c,*c,*c,*c]",
  ];
  assert.match(refusal(bomb.join("\n")), /alias/i);
});

test("two folders of one name are refused", () => {
  const folder = (path: string) => `  - {name: a, path: ${path}, output: o${path}}\n`;
  assert.match(refusal(`folders:\n${folder("p")}${folder("q")}`), /two folders are named "a"/);
});

test("channels may be told by number, as YAML writes them", () => {
  const config = parseConfig(
    "folders: [{name: a, path: p, output: o, channels: {0: m, BF: pass}}]",
    "c.yaml",
  );
  assert.deepEqual(config.folders[0]?.channels, { "0": "m", BF: "pass" });
});

for (const [what, folders] of Object.entries({
  "an output that is its own input": "[{name: a, path: p, output: p}]",
  "folders within each other": "[{name: a, path: p, output: o}, {name: b, path: p/q, output: o2}]",
  "an output within another's input": "[{name: a, path: p, output: q/o}, {name: b, path: q, output: r}]",
  "moving sources to where they are": "[{name: a, path: p, output: o, after: {move: p}}]",
  "moving sources among results": "[{name: a, path: p, output: o, after: {move: ./o}}]",
  "moving sources among another's results":
    "[{name: a, path: p, output: o, after: {move: r}}, {name: b, path: q, output: r}]",
  "moving sources into another's input":
    "[{name: a, path: p, output: o, after: {move: q/x}}, {name: b, path: q, output: r}]",
})) {
  test(`${what} is refused`, () => {
    const config = parseConfig(`folders: ${folders}`, "c.yaml");
    assert.throws(
      () => resolveConfig(config, "/lab", "/opt"),
      (error) => isEdgeError(error, "folders-clash"),
    );
  });
}

test("an output within its own watch folder is allowed: it is never looked into", () => {
  const config = parseConfig(
    "folders: [{name: a, path: p, output: p/denoised, after: {move: p/done}}]",
    "c.yaml",
  );
  assert.equal(resolveConfig(config, "/lab", "/opt").folders[0]?.moveTo, "/lab/p/done");
});

test("the engine's and a folder's own keys have defaults, and say what they take", () => {
  const { engine, folders } = parseConfig("", "c.yaml");
  assert.deepEqual([engine.memory_limit, engine.recycle_jobs], [null, 1000]);
  assert.deepEqual([folders[0]?.non_finite, folders[0]?.depth_axis], ["carry", "auto"]);
  assert.match(
    refusal("engine: {memory_limit: 4}"),
    /line 1, column 10: engine\.memory_limit: write an amount as "4GB", or a share as "50%"$/,
  );
  assert.match(refusal("engine: {memory_limit: lots}"), /an amount as "4GB", or a share as "50%"/);
  assert.match(refusal("engine: {recycle_jobs: -1}"), /engine\.recycle_jobs/);
  assert.match(refusal("folders: [{name: a, path: x, output: y, non_finite: drop}]"), /"carry"\|"refuse"/);
  assert.match(refusal("folders: [{name: a, path: x, output: y, depth_axis: y}]"), /"z"\|"t"\|"auto"/);
});

test("what looks like a slip of the finger is asked about, and only that", () => {
  assert.match(refusal("instanse: a"), /there is no option "instanse"; did you mean "instance"\?$/);
  assert.match(refusal("settle: {loks: 3}"), /settle: there is no option "loks"; did you mean "looks"\?$/);
  assert.match(refusal("mqtt: {http: 3}"), /mqtt: there is no option "http"$/);
});

test("an option that lacks its unit, or has a slip, is asked about in every map of options", () => {
  const ofFolder = (option: string): string => `folders: [{name: a, path: p, output: o, ${option}}]`;
  for (const [text, where, near] of [
    ["settle: {quiet: 3}", "settle", "quiet_s"],
    ["settle: {sweep: 3}", "settle", "sweep_s"],
    ["mqtt: {preview_keep: 3}", "mqtt", "preview_keep_h"],
    ["jobs: {reserve: 3}", "jobs", "reserve_mib"],
    ["engine: {recycle: 3}", "engine", "recycle_jobs"],
    ["history: {keep: 3}", "history", "keep_days"],
    ["shutdown: {finish: 3}", "shutdown", "finish_s"],
    [ofFolder("results_keep: 3"), "folders.0", "results_keep_days"],
    [ofFolder("settle: {quiet: 3}"), "folders.0.settle", "quiet_s"],
    [ofFolder("settle: {eraly: true}"), "folders.0.settle", "early"],
  ] as const) {
    const name = /(\w+): [^{:]+}+\]?$/.exec(text)?.[1];
    const expected = `column \\d+: ${where}: there is no option "${name}"; did you mean "${near}"\\?$`;
    assert.match(refusal(text), new RegExp(expected), text);
  }
});

test("sources are not deleted, and the refusal says in a sentence what can be written", () => {
  const after = (value: string) => refusal(`folders: [{name: a, path: p, output: o, after: ${value}}]`);
  assert.match(
    after("delete"),
    /folders\.0\.after: sources are never deleted; move them instead, for example after: { move: \/data\/raw-done }$/,
  );
  for (const value of ["move", "{mvoe: x}", "3"]) {
    assert.match(
      after(value),
      /folders\.0\.after: write keep, or the folder for finished sources, for example/,
    );
  }
});

test("permissions of results stand in quotes, and let the daemon itself read and write them", () => {
  const withMode = (mode: string): string => `folders: [{name: a, path: p, output: o, mode: ${mode}}]`;
  assert.equal(parseConfig(withMode('"0664"'), "c.yaml").folders[0]?.mode, "0664");
  // Unquoted, YAML reads 0664 as the number 664; nothing of ours is a program.
  for (const wrong of ["0664", "0o664", '"0755"', '"0264"', '"664x"']) {
    assert.match(refusal(withMode(wrong)), /folders\.0\.mode: write permissions in quotes/, wrong);
  }
});

test("a pattern that is none, and a size of an axis that it does not count, are refused with the reason", () => {
  const withPattern = (options: string): string => `folders: [{name: a, path: p, output: o, ${options}}]`;
  assert.equal(
    parseConfig(withPattern('pattern: "{name}_T{t}.tif"'), "c.yaml").folders[0]?.pattern,
    "{name}_T{t}.tif",
  );
  assert.match(
    refusal(withPattern('pattern: "{name}.tif"')),
    /folders\.0\.pattern: the pattern needs \{t\}, \{c\} or \{z\}; for example/,
  );
  assert.match(refusal(withPattern("pattern_sizes: {t: 0}")), /folders\.0\.pattern_sizes\.t/);
});

test("a size of a placeholder that the pattern lacks is refused with its line, and so is one without a pattern", () => {
  const written = (...options: string[]): string =>
    ["folders:", "  - name: a", "    path: p", "    output: o", ...options.map((line) => `    ${line}`)].join(
      "\n",
    );
  const two = written("pattern_sizes:", "  t: 3", "  c: 2", 'pattern: "{name}_T{t}.tif"');
  assert.equal(
    refusal(two),
    'the configuration has a problem: line 7, column 7: folders.0.pattern_sizes.c: the pattern "{name}_T{t}.tif" has no {c}, so nothing can have this size',
  );
  const none = refusal(written("pattern_sizes: { t: 3, z: 2 }"));
  for (const [axis, column] of [
    ["t", 22],
    ["z", 28],
  ] as const) {
    const expected = `line 5, column ${column}: folders.0.pattern_sizes.${axis}: there is no pattern, so nothing can have this size`;
    assert.ok(none.includes(expected), none);
  }
});

test("a value of another type is told in YAML's words", () => {
  assert.match(refusal("folders: here\n"), /folders: this must be a list, and it is text$/);
  assert.match(refusal("settle: {looks: many}\n"), /settle\.looks: this must be a number, and it is text$/);
  assert.match(refusal("mqtt:\n  - url\n"), /mqtt: this must be a map of options, and it is a list$/);
});

test("a path with a NUL, which no file can have, is refused with its place", () => {
  for (const option of ["state", "folders.0.path", "folders.0.after.move", "mqtt.ca"]) {
    const config = { folders: [{ name: "a", path: "in", output: "out", after: { move: "done" } }], mqtt: {} };
    const [last = "", ...above] = option.split(".").reverse();
    const map = above.reverse().reduce((inner: object, step) => Reflect.get(inner, step), config);
    Reflect.set(map, last, "a\0b");
    assert.throws(
      () => parseConfig(JSON.stringify(config), "c.yaml"),
      (error) => isEdgeError(error, "config-invalid") && /folders\.0\.after|NUL/.test(error.message),
      option,
    );
  }
});
