import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { after, test } from "node:test";
import { writeContents } from "../../bundle/stage.ts";

const bundle = resolve(import.meta.dirname, "../../bundle");
const scratch = mkdtempSync(join(tmpdir(), "bundle-"));
after(() => rmSync(scratch, { recursive: true }));

/** An unpacked archive whose Node is a script that tells how it was called. */
async function madeArchive(name: string): Promise<string> {
  const folder = join(scratch, name);
  for (const part of ["bin", "node/bin", "app/bin"]) mkdirSync(join(folder, part), { recursive: true });
  copyFileSync(join(bundle, "launcher.sh"), join(folder, "bin/cnnt-edge"));
  copyFileSync(join(bundle, "install.sh"), join(folder, "install.sh"));
  writeFileSync(join(folder, "node/bin/node"), '#!/bin/sh\nfor part in "$@"; do echo "$part"; done\n');
  for (const file of ["bin/cnnt-edge", "node/bin/node"]) spawnSync("chmod", ["+x", join(folder, file)]);
  assert.equal(await writeContents(folder), 3);
  return folder;
}

function install(archive: string, prefix: string) {
  return spawnSync("sh", [join(archive, "install.sh"), "--prefix", prefix], { encoding: "utf8" });
}

test("installs with one command, and the link runs the Node that came with it", async () => {
  const archive = await madeArchive("good");
  const prefix = join(scratch, "with space");
  const done = install(archive, prefix);
  assert.equal(done.status, 0, done.stderr);
  rmSync(archive, { recursive: true });
  const called = spawnSync(join(prefix, "bin/cnnt-edge"), ["denoise", "a b.tif"], { encoding: "utf8" });
  assert.deepEqual(called.stdout.trim().split("\n"), [
    join(prefix, "lib/good/app/bin/cnnt-edge.js"),
    "denoise",
    "a b.tif",
  ]);
});

test("refuses files that are not those of the archive, and leaves nothing", async () => {
  const archive = await madeArchive("changed");
  writeFileSync(join(archive, "node/bin/node"), "something else");
  const prefix = join(scratch, "refused");
  const done = install(archive, prefix);
  assert.equal(done.status, 1);
  assert.match(done.stderr, /the files are not those of the archive/);
  assert.ok(!existsSync(prefix));
});

test("does not replace what is installed", async () => {
  const archive = await madeArchive("twice");
  const prefix = join(scratch, "twice-prefix");
  assert.equal(install(archive, prefix).status, 0);
  const again = install(archive, prefix);
  assert.equal(again.status, 1);
  assert.match(again.stderr, /exists: remove it first/);
  assert.deepEqual(readdirSync(join(prefix, "lib")), ["twice"]);
});

/** Runs the installer with another PATH, and gives its last words. */
function installWithPath(archive: string, prefix: string, path: string, shell: string): string {
  const env = { PATH: `${path}:/usr/bin:/bin`, HOME: "/home/ada", SHELL: shell };
  const done = spawnSync("sh", [join(archive, "install.sh"), "--prefix", prefix], { encoding: "utf8", env });
  assert.equal(done.status, 0, done.stderr);
  return done.stdout;
}

test("where its folder is in PATH it ends with a command that works as it is printed", async () => {
  const archive = await madeArchive("in-path");
  const bin = join(scratch, "in-path-prefix/bin");
  const said = installWithPath(archive, dirname(bin), bin, "/bin/bash");
  const command = /try: (cnnt-edge \w+)$/m.exec(said)?.[1] ?? assert.fail(said);
  const tried = spawnSync("sh", ["-c", command], { encoding: "utf8", env: { PATH: `${bin}:/usr/bin:/bin` } });
  assert.match(tried.stdout, /doctor/);
});

test("where its folder is not in PATH the line that it prints makes the command work", async () => {
  for (const [shell, file] of [
    ["/bin/bash", "/home/ada/.bashrc"],
    ["/usr/bin/zsh", "/home/ada/.zshrc"],
    ["/bin/sh", "/home/ada/.profile"],
  ] as const) {
    const archive = await madeArchive(`not-in-path-${basename(shell)}`);
    // A name that a shell would take apart, were it not quoted.
    const prefix = join(scratch, `a $HOME "b" \`c ${basename(shell)}`);
    const said = installWithPath(archive, prefix, "/nowhere", shell);
    assert.ok(said.includes(` to ${file} `), said);
    const line = /^ {2}(export PATH=.*)$/m.exec(said)?.[1] ?? assert.fail(said);
    const env = { PATH: "/usr/bin:/bin" };
    const tried = spawnSync("sh", ["-c", `${line}\ncnnt-edge doctor`], { encoding: "utf8", env });
    assert.match(tried.stdout, /doctor/, tried.stderr);
  }
});

test("another cnnt-edge that comes first in PATH is named", async () => {
  const archive = await madeArchive("second");
  const other = join(scratch, "other");
  mkdirSync(other);
  writeFileSync(join(other, "cnnt-edge"), "#!/bin/sh\n", { mode: 0o755 });
  const prefix = join(scratch, "second-prefix");
  const said = installWithPath(archive, prefix, `${other}:${join(prefix, "bin")}`, "/bin/bash");
  assert.ok(said.includes(`in PATH is ${other}/cnnt-edge`), said);
});
