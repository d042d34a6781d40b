import { connectServiceManager } from "../../watcher/publish/service-manager.ts";

/** Feeds its watchdog, and blocks its event loop for as long as a byte on stdin says, in seconds. */
const service = connectServiceManager(
  { NOTIFY_SOCKET: process.env["NOTIFY_SOCKET"], WATCHDOG_USEC: process.env["WATCHDOG_USEC"] },
  process.pid,
);
service.watch(() => Promise.resolve());
process.stdin.on("data", (seconds) => {
  const endMs = performance.now() + Number(seconds.toString()) * 1000;
  process.stdout.write("blocked\n");
  while (performance.now() < endMs);
  process.stdout.write("free\n");
});
