import { usageError } from "../../core/errors.ts";

const units: Readonly<Record<string, number>> = {
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/**
 * The bytes that a person means by "4GB", "512 MiB" or "50%" (of `totalBytes`, what the machine has).
 * Throws `EdgeError` (`usage`, `memory-limit`).
 */
export function memoryLimitBytes(text: string, totalBytes: number): number {
  const [, number = "", unit = ""] = /^\s*(\d{1,9}(?:\.\d{1,6})?)\s*(%|[MGT]i?B)\s*$/i.exec(text) ?? [];
  const amount = Number(number);
  if (unit !== "" && amount > 0 && (unit !== "%" || amount <= 100)) {
    return unit === "%" ? (amount / 100) * totalBytes : amount * (units[unit.toUpperCase()] ?? 1);
  }
  throw usageError("this is not an amount of memory", {
    code: "memory-limit",
    found: text,
    allowed: 'an amount as "4GB" or "512MiB", or a share of the machine\'s memory as "50%"',
  });
}
