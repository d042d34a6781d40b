// 2,000 mutated checkpoints: no crash, none over 5 s or 1 GB, every failure typed. usage: npm run fuzz:checkpoints [-- COUNT]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutateCheckpoints } from "./mutate-checkpoints.ts";

const count = Number(process.argv[2] ?? 2000);
const scratch = mkdtempSync(join(tmpdir(), "fuzz-"));
const { read, refused, defects, slowestMs, peakMb } = await mutateCheckpoints(count, scratch);
rmSync(scratch, { recursive: true });
console.log(`${count} mutated checkpoints: ${read} read, ${refused} refused, ${defects.length} defects`);
console.log(
  `slowest ${slowestMs.toFixed(0)} ms, largest memory of the process in one ${peakMb.toFixed(0)} MB`,
);
for (const defect of defects.slice(0, 5)) console.log(defect);
process.exitCode = defects.length === 0 && slowestMs < 5000 && peakMb < 1000 ? 0 : 1;
