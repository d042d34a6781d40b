import { contentKey } from "../../core/acquisition-key.ts";
import type { Sighting } from "../intake/sighting.ts";
import type { Database, Row } from "./database.ts";

/** Rows of sightings, read and written; whoever calls has the transaction. */
export function createSightingTable({ rows, run }: Database) {
  const latest = (folder: string, source: string): Row | undefined =>
    rows(
      "SELECT * FROM sightings WHERE folder = ? AND source = ? ORDER BY revision DESC LIMIT 1",
      folder,
      source,
    )[0];

  return {
    latest,
    /** Of a source that has one: a number that was never told, also not of a sighting that was set aside. */
    nextRevision: (folder: string, source: string): number => {
      const [row] = rows(
        "SELECT max(abs(revision)) + 1 AS next FROM sightings WHERE folder = ? AND source = ?",
        folder,
        source,
      );
      return Number(row?.["next"]);
    },
    /** The revision before, of the same source. */
    before: ({ folder, source, revision }: Row): Row | undefined =>
      rows(
        "SELECT * FROM sightings WHERE folder = ? AND source = ? AND revision < ? ORDER BY revision DESC LIMIT 1",
        String(folder),
        String(source),
        Number(revision),
      )[0],
    /** Answers the id. */
    add: (folder: string, seen: Sighting, revision: number): number => {
      const [added] = rows(
        "INSERT INTO sightings (size_bytes, mtime_ms, ctime_ms, ends_hash, middle_hash, members, content_key, folder, source, revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        ...identity(seen),
        folder,
        seen.source,
        revision,
      );
      return Number(added?.["id"]);
    },
    /** Writes what is seen now over a sighting: of the same content, or of one of which no job was ever started. */
    overwrite: (id: number, seen: Sighting): void => {
      run(
        "UPDATE sightings SET size_bytes = ?, mtime_ms = ?, ctime_ms = ?, ends_hash = ?, middle_hash = ?, members = ?, content_key = ? WHERE id = ?",
        ...identity(seen),
        id,
      );
    },
    /** The revision before is the latest again. The number stays in use, with another sign, because it was told. */
    setAside: (id: number): void => {
      run("UPDATE sightings SET revision = -revision WHERE id = ?", id);
    },
  };
}

/** Whether a sighting noted what is seen now. Earlier versions noted no key, and those before them no middle. */
export function isContentOf(noted: Row, seen: Sighting): boolean {
  if (noted["content_key"] !== null) return noted["content_key"] === keyOf(seen);
  return (
    noted["size_bytes"] === seen.sizeBytes &&
    noted["ends_hash"] === seen.endsHash &&
    (noted["middle_hash"] ?? seen.middleHash) === seen.middleHash
  );
}

function identity({ sizeBytes, mtimeMs, ctimeMs, endsHash, middleHash, members }: Sighting) {
  const sources = JSON.stringify(members.map(({ source }) => source));
  return [sizeBytes, mtimeMs, ctimeMs, endsHash, middleHash, sources, keyOf({ members })] as const;
}

function keyOf({ members }: Pick<Sighting, "members">): string {
  return contentKey(
    members.map(({ source, look, hashes }) => ({
      source,
      sizeBytes: look.sizeBytes,
      hashes: [hashes.ends, hashes.middle],
    })),
  );
}
