/**
 * How long after a writer's last byte does a job run? A whole daemon (identity package, the real engine) watches two
 * folders of one disk: in one, files are taken when their writers have ended; in the other they have to be quiet. Programs of their own
 * write files into both in turns. Measured from the writer's close (its rename, for mv) to the message that the job is
 * `running`. Prints JSON.
 *
 *   CNNT_EDGE_PYTHON=python3 npm run bench:latency [-- ROUNDS]
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { connectAsync } from "mqtt";
import { median } from "../core/median.ts";
import { parseConfig } from "../watcher/config/load.ts";
import { resolveConfig } from "../watcher/config/resolve.ts";
import { startQuietDaemon } from "./quiet-daemon.ts";

const rounds = Number(process.argv[2] ?? 10);
const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";
const install = join(import.meta.dirname, "..");
const run = promisify(execFile);

/** Each writes an image to the path that it is given, or from the one before it, and prints when it had closed it (ms since 1970). */
const tifffile = (how: string): readonly string[] => [
  python,
  "-c",
  `import sys, time, numpy, tifffile
stack = numpy.random.default_rng().integers(1, 999, (8, 64, 64)).astype("uint16")
${how}
print(time.time() * 1000)`,
];
const nodeWriter = `const fs = require("node:fs");
const bytes = fs.readFileSync(process.argv[1]);
const file = fs.openSync(process.argv[2], "w");
for (let at = 0; at < bytes.length; at += 4096) fs.writeSync(file, bytes, at, Math.min(4096, bytes.length - at));
fs.closeSync(file);
console.log(Date.now());`;
/** Of programs that cannot say when: the time after they ended, which is later, so that the latency is told too short by about 2 ms. */
const thenTime = (program: string): readonly string[] => ["sh", "-c", `${program} "$0" "$1"; date +%s%3N`];

const writers: Readonly<Record<string, { readonly command: readonly string[]; readonly reads?: true }>> = {
  "tifffile, its own description": { command: tifffile("tifffile.imwrite(sys.argv[1], stack)") },
  "tifffile, OME-TIFF": {
    command: tifffile("tifffile.imwrite(sys.argv[1], stack, ome=True, metadata={'axes': 'ZYX'})"),
  },
  "tifffile, ImageJ, a plane every 50 ms": {
    command: tifffile(`with tifffile.TiffWriter(sys.argv[1], imagej=True) as writer:
    def planes():
        for plane in stack:
            time.sleep(0.05)
            yield plane
    writer.write(planes(), shape=stack.shape, dtype="uint16", metadata={"axes": "ZYX"})`),
  },
  "node, blocks of 4 KiB": { command: [process.execPath, "-e", nodeWriter], reads: true },
  cp: { command: thenTime("cp"), reads: true },
  "mv from the same disk": { command: thenTime("mv"), reads: true },
};

const folder = await mkdtemp(join(tmpdir(), "cnnt-edge-latency-"));
try {
  const watched = ["ended", "quiet"] as const;
  const folders = watched.map((name) => ({
    name,
    path: name,
    output: `${name}-out`,
    model: "models/identity",
    settle: { early: name === "ended" },
  }));
  const written = {
    instance: "bench",
    folders,
    mqtt: { port: 0 },
    jobs: { reserve_mib: 0 },
    engine: { require: "cpu" },
  };
  const config = resolveConfig(parseConfig(JSON.stringify(written), "bench"), folder, install);
  for (const name of watched) await mkdir(join(folder, name));
  const daemon = await startQuietDaemon(config);
  await daemon.warm;
  const listener = await connectAsync(daemon.mqttUrl, { protocolVersion: 4 });
  const ranMs = new Map<string, number>();
  const done = new Set<string>();
  listener.on("message", (_topic, payload) => {
    const { folder: name, source, status, ts } = JSON.parse(payload.toString());
    if (status === "running" && !ranMs.has(`${name}/${source}`))
      ranMs.set(`${name}/${source}`, Date.parse(ts));
    if (status === "done") done.add(`${name}/${source}`);
  });
  await listener.subscribeAsync("cnnt-edge/bench/job/+");
  await sleep(5000);

  const latencies = new Map<string, Record<(typeof watched)[number], number[]>>();
  const loads: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [writer, { command, reads }] of Object.entries(writers)) {
      const measured = latencies.get(writer) ?? { ended: [], quiet: [] };
      latencies.set(writer, measured);
      // Now the one, now the other first.
      for (const name of round % 2 === 0 ? watched : [...watched].reverse()) {
        const source = `${writer.replaceAll(/\W/g, "")}-${round}.tif`;
        const [program = "", ...options] = command;
        const original = join(folder, "original.tif");
        if (reads) {
          const [make = "", ...by] = tifffile("tifffile.imwrite(sys.argv[1], stack)");
          await run(make, [...by, original]);
        }
        const { stdout } = await run(program, [
          ...options,
          ...(reads ? [original] : []),
          join(folder, name, source),
        ]);
        const key = `${name}/${source}`;
        while (!done.has(key)) await sleep(20);
        measured[name].push((ranMs.get(key) ?? Number.NaN) - Number(stdout));
        loads.push(loadavg()[0] ?? 0);
        await sleep(200 + 2000 * Math.random());
      }
    }
  }
  const inOrder = (values: readonly number[]) => [...values].sort((one, other) => one - other);
  const facts = (values: readonly number[]) => ({
    median_s: Math.round(median(values)) / 1000,
    p95_s: Math.round(inOrder(values)[Math.ceil(0.95 * values.length) - 1] ?? Number.NaN) / 1000,
    files: values.length,
  });
  const all = [...latencies.values()];
  process.stdout.write(
    `${JSON.stringify(
      {
        bench: "start-latency",
        machine: { cpu: cpus()[0]?.model, cores: availableParallelism(), node: process.version },
        file_system: `0x${(await statfs(folder)).type.toString(16)}`,
        load_average: { median: median(loads), least: Math.min(...loads), most: Math.max(...loads) },
        all: {
          ended: facts(all.flatMap(({ ended }) => ended)),
          quiet: facts(all.flatMap(({ quiet }) => quiet)),
        },
        writers: Object.fromEntries(
          [...latencies].map(([writer, { ended, quiet }]) => [
            writer,
            { ended: facts(ended), quiet: facts(quiet) },
          ]),
        ),
      },
      null,
      2,
    )}\n`,
  );
  await listener.endAsync(true);
  await daemon.stop();
} finally {
  await rm(folder, { recursive: true, force: true });
}
