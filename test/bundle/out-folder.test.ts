import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeOutFolder } from "../../bundle/stage.ts";

const scratch = mkdtempSync(join(tmpdir(), "bundle-out-"));
after(() => rmSync(scratch, { recursive: true }));

test("a bundle for a stick that is not mounted is refused, and nothing is made", () => {
  const out = join(scratch, "stick", "cnnt-edge");
  const script = join(import.meta.dirname, "../../bundle/make-bundle.ts");
  const given = [
    "--import",
    import.meta.resolve("tsx"),
    script,
    "--out",
    out,
    "--gpu-from",
    "no-such-wheel.whl",
  ];
  const { status, stderr } = spawnSync(process.execPath, given, { encoding: "utf8" });
  assert.equal(status, 1, stderr);
  assert.match(
    stderr,
    /stick\/cnnt-edge: the folder above the one for the archive does not exist .*Mount the disk/,
  );
  assert.deepEqual(readdirSync(scratch), []);
});

test("one level is made, and a folder that exists is used", async () => {
  const out = join(scratch, "bundles");
  await makeOutFolder(out);
  await makeOutFolder(out);
  assert.ok(existsSync(out));
});
