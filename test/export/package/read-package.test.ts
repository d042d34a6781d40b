import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isEdgeError } from "../../../core/errors.ts";
import { readPackage } from "../../../export/package/read-package.ts";
import { temporaryFolder } from "../../watcher/temporary-folder.ts";

test("a package whose disk fails is the machine's fault, told with what to do, and no defect of the product", {
  skip: process.platform === "linux" ? false : "needs a file of Linux that cannot be read",
}, async () => {
  const dir = await temporaryFolder();
  // A regular file for `stat`, and an EIO for whoever reads it.
  await symlink("/proc/self/mem", join(dir, "rdf.yaml"));
  await assert.rejects(
    readPackage(dir),
    (error) => isEdgeError(error, "package-unreadable") && error.kind === "machine" && error.found === "EIO",
  );
});
