// 2,000 mutated checkpoints: no crash, none slow, none large, every failure typed. usage: npm run fuzz:checkpoints [-- COUNT]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mutateCheckpoints } from "./mutate-checkpoints.ts";

const count = Number(process.argv[2] ?? 2000);
const scratch = mkdtempSync(join(tmpdir(), "fuzz-"));
const { read, refused, defects, slowestMs } = await mutateCheckpoints(count, scratch);
rmSync(scratch, { recursive: true });
const peakMb = process.resourceUsage().maxRSS / 1024;
console.log(`${count} mutated checkpoints: ${read} read, ${refused} refused, ${defects.length} defects`);
console.log(`slowest ${slowestMs.toFixed(0)} ms, peak memory of the process ${peakMb.toFixed(0)} MB`);
for (const defect of defects.slice(0, 5)) console.log(defect);
process.exitCode = defects.length === 0 && slowestMs < 1000 && peakMb < 512 ? 0 : 1;
