import type { DaemonEvents } from "../events/daemon-events.ts";
import type { Events } from "../events/event-map.ts";
import type { Throughput } from "./throughput.ts";

/** Counts the voxels that jobs deliver. Answers those of the running job so far; undefined while none runs. */
export function countDeliveries(
  events: Events<DaemonEvents>,
  throughput: Pick<Throughput, "deliver" | "finish">,
): () => number | undefined {
  let running: { readonly id: string; voxels: number } | undefined;

  function deliver(id: string, voxels: number): void {
    if (running?.id !== id) return;
    throughput.deliver(Math.max(0, voxels - running.voxels), performance.now());
    running.voxels = voxels;
  }

  events.on("jobProgressed", ({ job, progress }) => deliver(job.id, progress.doneVoxels));
  events.on("jobChanged", ({ id, status, outcome }) => {
    if (status === "running") running = { id, voxels: 0 };
    if (status === "done" && outcome !== undefined) {
      deliver(id, outcome.voxels);
      throughput.finish(outcome.voxels, outcome.elapsedS);
    }
    if (status !== "running" && running?.id === id) running = undefined;
  });

  return () => running?.voxels;
}
