import { openFile } from "../../../formats/open.ts";
import type { Finding } from "../../../watcher/intake/finding.ts";
import { createScan, type ScanSettings } from "../../../watcher/intake/scan.ts";
import type { KnownFile, WaitingSource } from "../../../watcher/intake/seen-files.ts";

/** What the ledger of a scan's daemon knows, and what it answers to a finding; else it knows nothing and notes all. */
export interface ScanLedger {
  readonly known?: readonly KnownFile[];
  readonly waiting?: readonly WaitingSource[];
  readonly note?: (finding: Finding) => boolean;
}

/** A scan with a clock of its own: each look comes a second after the one before, and answers what was told. */
export function clockedScan(
  folder: string,
  change: Partial<ScanSettings> = {},
  { known = [], waiting = [], note = () => true }: ScanLedger = {},
): (looks: number) => Promise<Finding[]> {
  let nowMs = 0;
  let told: Finding[] = [];
  const settings = {
    folder,
    quietMs: 2000,
    looks: 3,
    zeroTailMs: 60_000,
    brokenMs: 30_000,
    setQuietMs: 60_000,
    subfolders: true,
    ignore: [],
    excluded: [],
    open: openFile,
    checkFolder: async () => undefined,
    tell: async (finding: Finding) => {
      told.push(finding);
      return note(finding);
    },
    now: () => nowMs,
    ...change,
  };
  const scan = createScan(settings, known, waiting);
  return async (looks) => {
    told = [];
    for (let look = 0; look < looks; look += 1) {
      nowMs += 1000;
      await scan.look();
    }
    return told;
  };
}
