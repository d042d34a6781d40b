import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { repository } from "../watcher/running-daemon.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";

/** A daemon that only says that it is ready. */
const standInDaemon = 'console.log("ready"); setInterval(() => undefined, 1000);\n';

/**
 * A checkout with the repository's systemd/, its configuration's code and a stand-in for the daemon: what install.sh
 * copies in an instant. `daemon` is the text of bin/cnnt-edge.js.
 */
export async function madeCheckout(version: string, daemon = standInDaemon): Promise<string> {
  const checkout = await temporaryFolder();
  cpSync(join(repository, "systemd"), join(checkout, "systemd"), { recursive: true });
  for (const part of ["core", "watcher", "formats", "runtime", "node_modules", "models"]) {
    symlinkSync(join(repository, part), join(checkout, part));
  }
  mkdirSync(join(checkout, "bin"));
  writeFileSync(join(checkout, "bin/cnnt-edge.js"), daemon);
  writeFileSync(
    join(checkout, "package.json"),
    JSON.stringify({ name: "cnnt-edge", version, type: "module" }, null, 2),
  );
  return checkout;
}

export interface Installation {
  /** What stands for `/`. */
  readonly root: string;
  /** A Node that tells the folders of install.sh's own configuration at once, without starting TypeScript for it. */
  readonly quickNode: string;
  /** Runs a checkout's install.sh with the stand-in for systemctl. */
  readonly run: (
    checkout: string,
    ...args: string[]
  ) => { status: number | null; stdout: string; stderr: string };
  /** How systemctl was called since the last time this was asked. */
  readonly calls: () => string[];
  /** The process that runs as the service; 0 where none does. */
  readonly pid: () => number;
}

export async function installation(t: TestContext): Promise<Installation> {
  const root = await temporaryFolder();
  const systemctl = join(root, "systemctl");
  copyFileSync(join(import.meta.dirname, "stand-in-systemctl.sh"), systemctl);
  const service = (...args: string[]) => spawnSync("bash", [systemctl, ...args], { encoding: "utf8" });
  t.after(() => service("stop"));
  // A file that was just written may still be open in a child that another test forks: "text file busy".
  writeFileSync(join(root, "call"), `#!/bin/sh\nexec bash ${systemctl} "$@"\n`, { mode: 0o755 });
  const quickNode = join(root, "node");
  const folders = `sed -nE 's#^ *(output|state): (.*)#ReadWritePaths="-\\2"#p' "$4"`;
  const quick = `#!/bin/sh\ncase "$*" in *writable-folders.ts*) exec ${folders} ;; esac\nexec ${process.execPath} "$@"\n`;
  writeFileSync(quickNode, quick, { mode: 0o755 });
  let seen = 0;
  return {
    root,
    quickNode,
    run: (checkout, ...args) =>
      spawnSync(
        "bash",
        [join(checkout, "systemd/install.sh"), ...args, "--root", root, "--systemctl", join(root, "call")],
        { encoding: "utf8" },
      ),
    calls: () => {
      const all = readFileSync(join(root, "calls"), "utf8").trim().split("\n");
      const since = all.slice(seen);
      seen = all.length;
      return since;
    },
    pid: () => Number(service("show", "-p", "MainPID", "--value").stdout),
  };
}
