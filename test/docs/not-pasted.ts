/**
 * Commands of the pages that `npm test` does not run, each with the reason. Everything else is run as it stands there
 * (pasted-commands.test.ts). `minutes`: `CNNT_EDGE_PASTE_ALL=1 npm test test/docs` runs it all the same.
 */
export interface NotPasted {
  readonly starts: string;
  readonly why: "minutes" | "installs" | "system" | "network" | "training";
  /** What shows that it works, in words. */
  readonly instead: string;
}

export const notPasted: readonly NotPasted[] = [
  { starts: "npm ci", why: "installs", instead: ".ci/run begins with it in a fresh clone" },
  { starts: "cnnt-edge bench", why: "minutes", instead: "test/commands/bench.test.ts runs a small one" },
  {
    starts: "cnnt-edge gpu install",
    why: "network",
    instead: "test/runtime/gpu installs from made archives",
  },
  { starts: "cnnt-edge gpu remove", why: "installs", instead: "test/runtime/gpu/install.test.ts" },
  { starts: "pip download", why: "network", instead: "the wheel's hash is pinned in runtime/gpu" },
  { starts: "npm run bundle", why: "network", instead: "test/bundle makes and installs a small one" },
  { starts: "sha256sum -c cnnt-edge-", why: "installs", instead: "test/bundle/install.test.ts" },
  { starts: "tar xzf cnnt-edge-", why: "installs", instead: "test/bundle/install.test.ts" },
  { starts: "cnnt-edge-0", why: "installs", instead: "test/bundle/install.test.ts runs the installer" },
  { starts: "git clone", why: "network", instead: "CI works in a fresh clone" },
  { starts: "sudo ", why: "system", instead: "test/systemd runs install.sh below another root" },
  { starts: "docker ", why: "system", instead: "test/container checks what the images copy" },
  { starts: "(umask 077; openssl", why: "system", instead: "it makes a random password" },
  { starts: "systemctl ", why: "system", instead: "there is no service manager in a test" },
  {
    starts: "mosquitto_sub -h broker.example.org",
    why: "network",
    instead: "test/watcher/publish has brokers",
  },
  {
    starts: "mosquitto_sub -t 'cnnt-edge/+/preview/+'",
    why: "network",
    instead: "test/watcher/publish/docs.test.ts runs it against the embedded broker",
  },
  { starts: "python main.py", why: "training", instead: "test/fixtures/cnnt holds what it left" },
];
