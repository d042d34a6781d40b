import { formatError, isEdgeError, usageError } from "../../core/errors.ts";
import { isRecord } from "../../core/record.ts";
import { openByteSource } from "../../formats/file/byte-source.ts";

/**
 * The file that training left beside the weights, as a plain dictionary: the published code's own JSON, its
 * `best.json` (`{"config": ...}`), or wandb's copy (`{"n_head": {"value": 8}}`). Source: AzR919/CNNT_Microscopy,
 * `main.py`, `utils.py` and `models/enhancement_model.py`.
 */

type Dictionary = Readonly<Record<string, unknown>>;

/** The published options take 3 kB. */
const maxConfigBytes = 1 << 20;

export async function readTrainingJson(file: string): Promise<Dictionary> {
  const value = parseJson(await readText(file), file);
  if (!isRecord(value)) throw notTraining(file, "$", "no dictionary");
  const { config: wrapped } = value;
  const config = unwrapped(wrapped);
  const entries = isRecord(config) ? config : value;
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, unwrapped(entry)]));
}

/** wandb wraps each entry. */
function unwrapped(entry: unknown): unknown {
  if (!isRecord(entry) || !Object.hasOwn(entry, "value")) return entry;
  const { value } = entry;
  return value;
}

async function readText(file: string): Promise<string> {
  const source = await openByteSource(file).catch((cause: unknown) => {
    if (!isEdgeError(cause, "file-missing")) throw cause;
    throw usageError("there is no such configuration", {
      code: "training-config-missing",
      file,
      remedy: "Name the JSON that training wrote beside the weights",
      cause,
    });
  });
  try {
    if (source.size > maxConfigBytes) {
      throw formatError("the configuration is larger than any that training writes", {
        code: "training-config-large",
        file,
        found: `${source.size} bytes`,
        allowed: `at most ${maxConfigBytes} bytes`,
        remedy: "Name the JSON that training wrote beside the weights",
      });
    }
    const bytes = Buffer.alloc(source.size);
    await source.readInto(bytes, 0);
    const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return bytes.toString(isUtf16 ? "utf16le" : "utf8").replace(/^\ufeff/, "");
  } finally {
    await source.close();
  }
}

/** Outside of strings; Python writes them, JSON has no such numbers. */
const pythonNumbers = /("(?:[^"\\]|\\.)*")|-?\b(?:NaN|Infinity)\b/g;

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return JSON.parse(text.replace(pythonNumbers, (_match, string?: string) => string ?? "null"));
    } catch {
      throw formatError("the configuration is not JSON", {
        code: "training-config-json",
        file,
        found: cause instanceof Error ? cause.message : "",
        remedy: "Name the JSON that training wrote beside the weights",
        cause,
      });
    }
  }
}

export function notTraining(file: string, at: string, found: string) {
  return formatError("the configuration is not one that training writes", {
    code: "training-config-schema",
    file,
    at,
    found,
    remedy: "Name the JSON that training wrote beside the weights",
  });
}
