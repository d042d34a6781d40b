import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseConfig } from "../../../bin/given/system-config.ts";

const system = { file: "/etc/x.yaml", exists: true };

test("the system's configuration is read where nothing is said, and never mixed with flags", () => {
  assert.deepEqual(chooseConfig(undefined, [], system), { file: "/etc/x.yaml" });
  assert.deepEqual(chooseConfig(undefined, ["--in", "--out"], system), {
    file: undefined,
    note: "/etc/x.yaml is not used, because --in is given; add --config /etc/x.yaml to use it with your flags",
  });
  assert.deepEqual(chooseConfig("/etc/x.yaml", ["--in"], system), { file: "/etc/x.yaml" });
  assert.deepEqual(chooseConfig(undefined, ["--in"], { ...system, exists: false }), { file: undefined });
});
