import { openLedger } from "../../../watcher/ledger/ledger.ts";
import { onePlane, sightingOf } from "../sighting-of.ts";

/** Admits files for ever and prints the id of each job once the ledger has confirmed it. */
const [folder = "", round = ""] = process.argv.slice(2);
const ledger = await openLedger(folder, () => process.exit(1));
for (let index = 0; ; index += 1) {
  const source = `${round}-${index}.tif`;
  const admission = await ledger.admitWhole("f", sightingOf(source), onePlane);
  if (admission.kind === "changed") process.stdout.write(`${admission.jobs[0]?.id}\n`);
}
