// 500 mutated TIFFs and LIFs: no crash, none over 5 s or 1 GiB, every failure typed. usage: npm run fuzz:images [-- COUNT]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMutants, report } from "./measured-mutants.ts";

const scratch = mkdtempSync(join(tmpdir(), "fuzz-images-"));
const program = new URL("./read-mutated-image.ts", import.meta.url);
const outcome = await readMutants(program, Number(process.argv[2] ?? 500), scratch);
rmSync(scratch, { recursive: true });
process.exitCode = report("mutated TIFFs and LIFs", outcome);
