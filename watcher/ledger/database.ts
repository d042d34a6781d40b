import { accessSync, constants, existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import LibsqlDatabase from "libsql";
import { isAbsent, machineError, systemCode } from "../../core/errors.ts";
import { migrations } from "./migrations.ts";

/** The only importer of SQLite. Synchronous, so it runs on the ledger's thread alone. */

/** Of the ledger, in the state folder. */
export const ledgerName = "ledger.sqlite";
/** Held by the daemon whose state folder it is. */
export const instanceLock = "instance.lock";

export type SqlValue = string | number | bigint | null;
export type Row = Record<string, unknown>;

export type Database = ReturnType<typeof databaseOf>;

/**
 * Opens or makes the ledger. Write-ahead log with a sync at each commit: a job told as done stays done after a
 * power cut. Throws `EdgeError` (`machine`) where the file is damaged or made by a newer version.
 */
export function openDatabase(file: string): Database {
  const database = connect(file);
  try {
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.pragma("foreign_keys = ON");
    database.pragma("busy_timeout = 5000");
    refuseDamaged(database, file);
    migrate(database, file);
  } catch (error) {
    database.close();
    throw unusable(error, file);
  }
  return databaseOf(database, file);
}

/**
 * A ledger that another process may be writing, to be read and never changed. Throws `EdgeError` (`machine`) where there
 * is none, where it may not be read, or where another version wrote it.
 */
export function openToRead(file: string): Pick<Database, "rows" | "close"> {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    const isMissing = isAbsent(cause);
    throw machineError(isMissing ? "there is no ledger" : "the ledger may not be read", {
      code: isMissing ? "ledger-missing" : "ledger-not-permitted",
      file,
      remedy: isMissing
        ? "Name the state folder of a daemon with --state, or its configuration with --config"
        : "Run this as the daemon's user, for the service: sudo -u cnnt-edge cnnt-edge queue",
      cause,
    });
  }
  // Without a log beside it no daemon has it open: then nothing is made beside it either.
  const how = existsSync(`${file}-wal`) ? "mode=ro" : "mode=ro&immutable=1";
  const database = connect(file, `${pathToFileURL(file).href}?${how}`);
  try {
    const version = versionOf(database);
    if (version > migrations.length) throw newer(file, version);
    if (version < migrations.length) {
      throw machineError("the ledger was written by an older cnnt-edge", {
        code: "ledger-older",
        file,
        remedy: "Start the daemon of this version once: it brings the ledger up to date",
      });
    }
  } catch (error) {
    database.close();
    throw unusable(error, file);
  }
  return databaseOf(database, file);
}

function databaseOf(database: LibsqlDatabase.Database, file: string) {
  const named = <Result>(act: () => Result): Result => {
    try {
      return act();
    } catch (error) {
      throw unusable(error, file);
    }
  };
  const statements = new Map<string, LibsqlDatabase.Statement>();
  const prepared = (sql: string): LibsqlDatabase.Statement => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    /** All rows of a statement, also of `INSERT … RETURNING`. */
    rows: (sql: string, ...values: SqlValue[]): Row[] =>
      // `all`, never `get`: a statement stepped once stays open and makes the next COMMIT fail.
      named(() => prepared(sql).all(...values) as Row[]),
    /** Number of rows changed. */
    run: (sql: string, ...values: SqlValue[]): number => named(() => prepared(sql).run(...values).changes),
    /** Runs `action` in one write transaction; what it throws rolls everything back. */
    transaction: <Result>(action: () => Result): Result =>
      named(() => {
        database.exec("BEGIN IMMEDIATE");
        try {
          const result = action();
          database.exec("COMMIT");
          return result;
        } catch (error) {
          // What went wrong first is what counts; some errors have rolled back already.
          if (database.inTransaction) database.exec("ROLLBACK");
          throw error;
        }
      }),
    close: (): void => void database.close(),
  };
}

/**
 * Holds `file` for this process until it ends, however it ends: the kernel drops SQLite's lock with the process.
 * undefined while another process holds it. Throws `EdgeError` (`machine`) where the file cannot be written.
 */
export function holdLock(file: string): (() => void) | undefined {
  const database = connect(file);
  try {
    database.pragma("busy_timeout = 0");
    database.pragma("locking_mode = EXCLUSIVE");
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (primaryCode(error) === resultCodes.busy) return undefined;
    throw unusable(error, file);
  }
  return () => {
    database.close();
  };
}

function connect(file: string, name = file): LibsqlDatabase.Database {
  try {
    return new LibsqlDatabase(name);
  } catch (error) {
    throw notUsable(file, error);
  }
}

/**
 * Looks through all pages (a second for each 100 MB or so): damage that is met months later has spoiled what was
 * written since.
 */
function refuseDamaged(database: LibsqlDatabase.Database, file: string): void {
  const [row] = database.prepare("PRAGMA quick_check(1)").all() as { quick_check: string }[];
  if (row?.quick_check !== "ok") throw damagedLedger(file, row?.quick_check ?? "no answer");
}

function migrate(database: LibsqlDatabase.Database, file: string): void {
  const version = versionOf(database);
  if (version > migrations.length) throw newer(file, version);
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    database.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
  // A file that may only be read opens without a word: this write shows it now, not at the first job.
  database.exec(`PRAGMA user_version = ${migrations.length}`);
}

function versionOf(database: LibsqlDatabase.Database): number {
  const [row] = database.prepare("PRAGMA user_version").all() as { user_version: number }[];
  return row?.user_version ?? 0;
}

function newer(file: string, version: number) {
  return machineError("the ledger was written by a newer cnnt-edge", {
    code: "ledger-newer",
    file,
    found: `version ${version}`,
    allowed: `up to ${migrations.length}`,
    remedy: "Start the newer version, or point `state` at another folder",
  });
}

/** https://sqlite.org/rescode.html */
const resultCodes = { busy: 5, corrupt: 11, full: 13, notADatabase: 26 } as const;

/** SQLite's result code without what extends it, for which the library may know no name; undefined for other errors. */
function primaryCode(error: unknown): number | undefined {
  const isOurs = error instanceof Error && "rawCode" in error && typeof error.rawCode === "number";
  return isOurs ? Number(error.rawCode) & 0xff : undefined;
}

function unusable(error: unknown, file: string): unknown {
  const code = primaryCode(error);
  if (code === undefined) return error;
  if (code === resultCodes.notADatabase || code === resultCodes.corrupt) {
    return damagedLedger(file, systemCode(error) ?? "no code", error);
  }
  return notUsable(file, error);
}

function notUsable(file: string, cause: unknown) {
  const code = primaryCode(cause);
  if (code === resultCodes.full) {
    return machineError("the disk of the ledger is full", {
      code: "ledger-unusable",
      file,
      remedy: "Free some space on the disk of the state folder",
      cause,
    });
  }
  if (code === resultCodes.busy) {
    return machineError("another program holds the ledger", {
      code: "ledger-unusable",
      file,
      remedy: "Let that program finish, or end it: a backup that reads the state folder, or a sqlite3 shell",
      cause,
    });
  }
  return machineError("the ledger cannot be used", {
    code: "ledger-unusable",
    file,
    // The library wraps what it cannot open in words of its own.
    found: code === undefined || !(cause instanceof Error) ? "it cannot be opened" : cause.message,
    remedy:
      "Let the user that runs cnnt-edge write to the state folder and to every file in it (for example: chown -R USER FOLDER), and see that its disk has room",
    cause,
  });
}

/** `found`: what is in it that no version wrote. */
export function damagedLedger(file: string, found: string, cause?: unknown) {
  return machineError("the ledger is damaged", {
    code: "ledger-damaged",
    file,
    found: found.replace(/\s+/g, " "),
    remedy:
      "Move the file away and keep it for a report; a source whose result stands is then known from it, and is not denoised again",
    cause,
  });
}
