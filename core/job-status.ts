/** Where a job stands, in the ledger and in messages. */
export const jobStatuses = ["queued", "waiting", "running", "done", "failed", "skipped", "parked"] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** A job in one of these has come to its end. */
export const endStatuses: ReadonlySet<JobStatus> = new Set(["done", "failed", "skipped", "parked"]);
