// 500 mutated TIFFs: no crash, none over 5 s or 1 GiB, every failure typed. usage: npm run fuzz:tiffs [-- COUNT]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMutants, report } from "./measured-mutants.ts";

const scratch = mkdtempSync(join(tmpdir(), "fuzz-tiffs-"));
const program = new URL("./read-mutated-tiff.ts", import.meta.url);
const outcome = await readMutants(program, Number(process.argv[2] ?? 500), scratch);
rmSync(scratch, { recursive: true });
process.exitCode = report("mutated TIFFs", outcome);
