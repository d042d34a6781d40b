import type { KnownFile } from "../intake/seen-files.ts";
import type { SeenMember } from "../intake/sighting.ts";
import type { Database } from "./database.ts";

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
        ...(row["ctime_ms"] === null ? {} : { ctimeMs: Number(row["ctime_ms"]) }),
        ...(Number(row["of_set"]) === 1
          ? { hashes: { ends: String(row["ends_hash"]), middle: String(row["middle_hash"]) } }
          : {}),
      })),
  };
}
