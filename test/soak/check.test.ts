import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { provenanceNamespace } from "../../formats/ome/write-ome-xml.ts";
import type { HistoryJob } from "../../watcher/ledger/history.ts";
import { buildTiff, numberedPages } from "../formats/build-tiff.ts";
import { outcomeOf } from "../watcher/outcome-of.ts";
import { omeXml } from "../watcher/set-member.ts";
import { temporaryFolder } from "../watcher/temporary-folder.ts";
import { faultsOf, type Left, type Written } from "./check.ts";

const bytes = Buffer.from("what the microscope wrote");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const earlier = Buffer.from("half of it");
const source = "renamed-0001/stack.tif";

/** A run of one acquisition that went as it should, for tests to spoil. */
async function soundRun() {
  const folder = await temporaryFolder();
  const write = async (path: string, content: Buffer): Promise<string> => {
    const whole = join(folder, path);
    await mkdir(dirname(whole), { recursive: true });
    await writeFile(whole, content);
    return whole;
  };
  const raw = await write(`in/${source}`, bytes);
  const output = await write("out/stack.denoised.ome.tif", resultOf("j1", 7));
  const calmOutput = await write("calm/stack.denoised.ome.tif", resultOf("j9", 7));
  const written: Written = {
    folder: "local",
    planned: {
      manner: "renamed",
      place: "renamed-0001",
      stages: [[["stack.tif", bytes]]],
      source,
      images: 1,
    },
  };
  const run: Left = {
    jobs: [jobOf("j1", output)],
    results: join(folder, "out"),
    sourcesOf: () => [join(folder, "in")],
  };
  return { write, raw, output, written, run, calm: [jobOf("j9", calmOutput)] };
}

function jobOf(id: string, output: string, hash = sha256): HistoryJob {
  const outcome = outcomeOf(output, { sourceSha256: hash, sourceFiles: [{ file: source, sha256: hash }] });
  return {
    id,
    folder: "local",
    source,
    series: 0,
    revision: 1,
    status: "done",
    output,
    outcome,
  } as unknown as HistoryJob;
}

/** An OME-TIFF of one plane that states the job which made it. */
function resultOf(job: string, sample: number): Buffer {
  const stated = { Job: job, "Source sha256": sha256, "Source series": "0" };
  const pairs = Object.entries(stated).map(([key, value]) => `<M K="${key}">${value}</M>`);
  const description = omeXml(
    "r",
    '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="1"><TiffData IFD="0"/></Pixels></Image>' +
      `<StructuredAnnotations><MapAnnotation ID="Annotation:0" Namespace="${provenanceNamespace}"><Value>${pairs.join("")}</Value></MapAnnotation></StructuredAnnotations>`,
  );
  return buildTiff(numberedPages(1, 4, 3, sample).map((page) => ({ ...page, description })));
}

test("a run in which every acquisition was done once has no fault", async () => {
  const { written, run, calm } = await soundRun();
  assert.deepEqual(await faultsOf([written], run, calm), []);
});

const spoils: readonly [
  what: string,
  (run: Awaited<ReturnType<typeof soundRun>>) => Promise<Partial<Left> | undefined>,
  fault: RegExp,
][] = [
  ["a lost raw file", async ({ raw }) => void (await rm(raw)), /raw data lost/],
  ["a changed raw file", async ({ raw }) => void (await writeFile(raw, "other")), /raw data lost/],
  ["an acquisition without a job", async () => ({ jobs: [] }), /no job/],
  [
    "a job that did not end well",
    async ({ run }) => ({ jobs: run.jobs.map((job) => ({ ...job, status: "parked" as const })) }),
    /not done with its last content: parked/,
  ],
  [
    "an acquisition done twice",
    async ({ run, write }) => ({
      jobs: [...run.jobs, jobOf("j2", await write("out/again.ome.tif", resultOf("j2", 7)))],
    }),
    /done 2 times/,
  ],
  [
    "a result of half a file",
    async ({ run, write }) => {
      const hash = createHash("sha256").update(earlier).digest("hex");
      return { jobs: [...run.jobs, jobOf("j2", await write("out/half.ome.tif", resultOf("j2", 1)), hash)] };
    },
    /never finished/,
  ],
  ["other samples", async ({ output }) => void (await writeFile(output, resultOf("j1", 8))), /other samples/],
  [
    "another job's name",
    async ({ output }) => void (await writeFile(output, resultOf("j3", 7))),
    /states job j3/,
  ],
  ["a result that is gone", async ({ output }) => void (await rm(output)), /cannot be read/],
  [
    "an older result that nothing marks",
    async ({ run, write }) => {
      const older = await write("out/older.ome.tif", resultOf("j0", 1));
      return { jobs: [...run.jobs.map((job) => ({ ...job, revision: 2 })), jobOf("j0", older, "earlier")] };
    },
    /older\.ome\.tif: not marked as superseded/,
  ],
  ["a result of nobody", async ({ write }) => void (await write("out/x.ome.tif", bytes)), /no job knows/],
  [
    "half a file of ours",
    async ({ write }) => void (await write("out/.cnnt-edge-0-x.partial", bytes)),
    /left half written/,
  ],
];

for (const [what, spoil, fault] of spoils) {
  test(`the checker finds ${what}`, async () => {
    const sound = await soundRun();
    const change = await spoil(sound);
    const faults = await faultsOf([sound.written], { ...sound.run, ...change }, sound.calm);
    assert.match(faults.join("\n"), fault);
  });
}
