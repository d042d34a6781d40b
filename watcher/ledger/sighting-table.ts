import { contentKey } from "../../core/acquisition-key.ts";
import type { KnownFile } from "../intake/seen-files.ts";
import type { SeenMember, Sighting } from "../intake/sighting.ts";
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

/** What each file of a watch folder looked like when it was last judged: one that looks like that needs no further look. */
export function createKnownFiles({ rows, run }: Database) {
  return {
    /** `members` belong to the acquisition `sighting` from now on. */
    remember: (folder: string, sighting: number, members: readonly SeenMember[]): void => {
      for (const { source, look, hashes } of members) {
        run(
          `INSERT OR REPLACE INTO files (folder, source, sighting, size_bytes, mtime_ms, ctime_ms, ends_hash, middle_hash)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
          folder,
          source,
          sighting,
          look.sizeBytes,
          look.mtimeMs,
          look.ctimeMs,
          hashes.ends,
          hashes.middle,
        );
      }
    },

    /**
     * The files of a folder that belong to the latest content of their acquisition, where it needs no further look. What was
     * moved away is new if it is there.
     */
    list: (folder: string): readonly KnownFile[] =>
      rows(
        `SELECT f.*, json_array_length(s.members) > 1 AS of_set FROM files f JOIN sightings s ON s.id = f.sighting
         WHERE f.folder = ? AND coalesce(s.move, '') <> 'moved'
           AND s.revision = (SELECT max(revision) FROM sightings WHERE folder = s.folder AND source = s.source)
           AND NOT EXISTS (SELECT 1 FROM jobs WHERE sighting = s.id AND waits_for = 'file')
         ORDER BY f.source`,
        folder,
      ).map((row) => ({
        source: String(row["source"]),
        sizeBytes: Number(row["size_bytes"]),
        mtimeMs: Number(row["mtime_ms"]),
        ...(row["ctime_ms"] !== null && { ctimeMs: Number(row["ctime_ms"]) }),
        ...(Number(row["of_set"]) === 1 && {
          hashes: { ends: String(row["ends_hash"]), middle: String(row["middle_hash"]) },
        }),
      })),
  };
}
