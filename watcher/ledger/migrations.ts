/**
 * The ledger's tables, step by step: `migrations[n]` brings version n to n + 1. A step that was released is never
 * changed. Times are milliseconds since 1970.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE sightings (
     -- One row for each content of a file (or set) that was ever told to the queue.
     id INTEGER PRIMARY KEY,
     folder TEXT NOT NULL,
     source TEXT NOT NULL,
     revision INTEGER NOT NULL,
     size_bytes INTEGER NOT NULL,
     mtime_ms REAL NOT NULL,
     ends_hash TEXT NOT NULL,
     members TEXT NOT NULL,
     UNIQUE (folder, source, revision)
   ) STRICT;
   CREATE TABLE jobs (
     id TEXT PRIMARY KEY,
     sighting INTEGER NOT NULL REFERENCES sightings (id),
     series INTEGER NOT NULL,
     status TEXT NOT NULL
       CHECK (status IN ('queued', 'waiting', 'running', 'done', 'failed', 'skipped', 'parked')),
     reason TEXT,
     -- What a waiting job waits for: its file to become whole, or a time to try again.
     waits_for TEXT CHECK (waits_for IN ('file', 'time')),
     attempt INTEGER NOT NULL DEFAULT 0,
     not_before_ms INTEGER NOT NULL DEFAULT 0,
     voxels INTEGER NOT NULL DEFAULT 0,
     sample_bytes INTEGER NOT NULL DEFAULT 0,
     output TEXT UNIQUE,
     outcome TEXT,
     error TEXT,
     created_ms INTEGER NOT NULL,
     started_ms INTEGER,
     ended_ms INTEGER,
     -- 1 once the broker has confirmed the end.
     published INTEGER NOT NULL DEFAULT 0,
     UNIQUE (sighting, series)
   ) STRICT;
   CREATE INDEX jobs_by_status ON jobs (status, not_before_ms);
   CREATE INDEX jobs_by_end ON jobs (ended_ms);
   CREATE TABLE retained (
     -- Topics under which the broker keeps a message of ours.
     topic TEXT PRIMARY KEY
   ) STRICT`,
  `CREATE TABLE outputs (
     -- Where the disk of a folder's results was mounted when they could last be written.
     folder TEXT PRIMARY KEY,
     output TEXT NOT NULL,
     mount_point TEXT NOT NULL
   ) STRICT`,
  // A source that is to leave the watch folder: 'asked' since its last job is done, until it is 'moved' or its name has
  // newer content ('replaced').
  `ALTER TABLE sightings ADD COLUMN move TEXT CHECK (move IN ('asked', 'moved', 'replaced'));
   ALTER TABLE sightings ADD COLUMN move_attempts INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE sightings ADD COLUMN move_not_before_ms INTEGER NOT NULL DEFAULT 0;
   -- Why it is still there.
   ALTER TABLE sightings ADD COLUMN move_error TEXT;
   CREATE INDEX sightings_by_move ON sightings (folder, move_not_before_ms) WHERE move = 'asked'`,
  // The folder for finished sources has a disk too.
  `CREATE TABLE disks (
     folder TEXT NOT NULL,
     -- Of its results, or of its finished sources; where its disk was mounted when it could last be written.
     path TEXT NOT NULL,
     mount_point TEXT NOT NULL,
     PRIMARY KEY (folder, path)
   ) STRICT;
   INSERT INTO disks (folder, path, mount_point) SELECT folder, output, mount_point FROM outputs;
   DROP TABLE outputs`,
  // A copy that keeps its time of change has another time of status change; NULL: not known.
  `ALTER TABLE sightings ADD COLUMN ctime_ms REAL;
   -- When the same content was delivered again after its job; NULL: never.
   ALTER TABLE sightings ADD COLUMN delivered_ms INTEGER`,
  // Content that differs only between its ends; NULL: not known.
  `ALTER TABLE sightings ADD COLUMN middle_hash TEXT`,
  // Each file of a set is known by itself; of sets that were noted before only the sums are known.
  `CREATE TABLE files (
     folder TEXT NOT NULL,
     source TEXT NOT NULL,
     -- The acquisition that it belongs to, and how it looked when that was noted.
     sighting INTEGER NOT NULL REFERENCES sightings (id),
     size_bytes INTEGER NOT NULL,
     mtime_ms REAL NOT NULL,
     ctime_ms REAL,
     ends_hash TEXT NOT NULL,
     middle_hash TEXT,
     PRIMARY KEY (folder, source)
   ) STRICT, WITHOUT ROWID;
   INSERT INTO files SELECT folder, source, id, size_bytes, mtime_ms, ctime_ms, ends_hash, middle_hash FROM sightings s
     WHERE json_array_length(members) = 1
       AND revision = (SELECT max(revision) FROM sightings WHERE folder = s.folder AND source = s.source)`,
  // What a sighting consists of (core/acquisition-key.ts); NULL: not known.
  `ALTER TABLE sightings ADD COLUMN content_key TEXT`,
  // The history is asked by time.
  `CREATE INDEX jobs_by_time ON jobs (coalesce(ended_ms, started_ms, created_ms))`,
  // Folders that a person paused.
  `CREATE TABLE pauses (
     folder TEXT PRIMARY KEY,
     since_ms INTEGER NOT NULL
   ) STRICT`,
  // The job whose result has taken the place of this one's, because the source has newer content.
  `ALTER TABLE jobs ADD COLUMN superseded_by TEXT;
   -- What became of the older result: 'asked' until it is 'marked', 'removed' or found to be 'gone'.
   ALTER TABLE jobs ADD COLUMN superseded TEXT CHECK (superseded IN ('asked', 'marked', 'removed', 'gone'));
   CREATE INDEX jobs_by_superseded ON jobs (sighting) WHERE superseded = 'asked'`,
  // What became of a result once it had been kept for as long as is configured.
  `ALTER TABLE jobs ADD COLUMN expired TEXT CHECK (expired IN ('removed', 'gone', 'kept'))`,
  // The next job, the ends to publish and what is still to be done are found without a look at all others: a ledger grows for
  // months. What the order of jobs needs of their sightings stands beside them.
  `ALTER TABLE jobs ADD COLUMN folder TEXT NOT NULL DEFAULT '';
   ALTER TABLE jobs ADD COLUMN source_ms REAL NOT NULL DEFAULT 0;
   UPDATE jobs SET (folder, source_ms) = (SELECT folder, mtime_ms FROM sightings WHERE id = jobs.sighting);
   CREATE TRIGGER jobs_of_sightings AFTER INSERT ON jobs BEGIN
     UPDATE jobs SET (folder, source_ms) = (SELECT folder, mtime_ms FROM sightings WHERE id = new.sighting) WHERE id = new.id;
   END;
   CREATE TRIGGER sightings_of_jobs AFTER UPDATE OF mtime_ms ON sightings BEGIN
     UPDATE jobs SET source_ms = new.mtime_ms WHERE sighting = new.id;
   END;
   CREATE INDEX jobs_to_run ON jobs (folder, source_ms) WHERE status = 'queued' OR waits_for = 'time';
   CREATE INDEX jobs_unpublished ON jobs (ended_ms) WHERE published = 0;
   CREATE INDEX jobs_left ON jobs (folder, status, waits_for, sample_bytes, voxels)
     WHERE status IN ('queued', 'waiting', 'running');
   DROP INDEX jobs_by_superseded;
   CREATE INDEX jobs_by_superseded ON jobs (folder, ended_ms) WHERE superseded = 'asked';
   -- Whoever forgets a sighting looks for its files.
   CREATE INDEX files_by_sighting ON files (sighting)`,
];
