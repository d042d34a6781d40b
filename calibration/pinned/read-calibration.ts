import { systemCode, usageError } from "../../core/errors.ts";
import { readNamedFile } from "../../formats/file/named-file.ts";
import { type Calibration, calibrationSchema } from "../result/result.ts";

/** A `calibration.json` that is longer than this is none (bytes). */
const longestBytes = 16 * 1024 * 1024;

/** Reads a `calibration.json`. Throws `EdgeError` (`usage`): it is missing, no calibration, or of a newer schema. */
export async function readCalibration(file: string): Promise<Calibration> {
  const value = parsed(file, await textOf(file));
  const result = calibrationSchema.safeParse(value);
  if (result.success) return result.data;
  const schema = typeof value === "object" && value !== null && "schema" in value ? value.schema : undefined;
  const [issue] = result.error.issues;
  const newer = schema !== undefined && schema !== 1;
  throw usageError(
    newer ? "the calibration has a schema that is not known" : "the file is not a calibration",
    {
      code: newer ? "calibration-schema" : "calibration-invalid",
      file,
      found: newer
        ? `schema ${JSON.stringify(schema).slice(0, 40)}`
        : `${issue?.path.map(String).join(".")}: ${issue?.message}`,
      allowed: "schema 1, as `cnnt-edge calibrate` writes it",
      remedy: "Calibrate again with this version, or take the file out of the configuration",
    },
  );
}

async function textOf(file: string): Promise<string> {
  try {
    return (await readNamedFile(file, longestBytes)).toString("utf8");
  } catch (cause) {
    const found = systemCode(cause);
    if (found === undefined) throw cause;
    throw usageError("the calibration cannot be read", {
      code: "calibration-unreadable",
      file,
      found,
      remedy: "Check the path under `calibration` and the right to read it",
      cause,
    });
  }
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw usageError("the file is not a calibration", {
      code: "calibration-invalid",
      file,
      found: "text that is not JSON",
      allowed: "calibration.json, as `cnnt-edge calibrate` writes it",
      remedy: "Name the .json file, not the report",
      cause,
    });
  }
}
