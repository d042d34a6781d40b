import { visible } from "../../core/errors.ts";
import type { CommandIo } from "../command/command.ts";

/** Shows what is going on: one line that is redrawn on a terminal, a plain line now and then elsewhere. */
export interface StatusLine {
  /** `drawIn`: what a terminal gets in place of the text, in so many characters at most; it holds no control characters. */
  readonly show: (text: string, drawIn?: (columns: number) => string) => void;
  /** Takes the line away, so that the next one stands alone; the next `show` draws it again. */
  readonly end: () => void;
}

const plainEveryMs = 5000;
const redrawEveryMs = 250;
const usualColumns = 80;

export function createStatusLine(stderr: CommandIo["stderr"], now: () => number): StatusLine {
  // A terminal that cannot go back to the start of a line says so by this name.
  const redraws = stderr.isTTY === true && process.env["TERM"] !== "dumb";
  let drawn = false;
  // Short work says nothing on its way, but on a terminal.
  let toldMs = redraws ? Number.NEGATIVE_INFINITY : now();
  return {
    show(text, drawIn) {
      const everyMs = redraws ? (drawn ? redrawEveryMs : 0) : plainEveryMs;
      if (now() - toldMs < everyMs) return;
      toldMs = now();
      const shown = visible(text);
      // One less: a full line would wrap, and a line that wraps cannot be redrawn.
      const columns = (stderr.columns ?? usualColumns) - 1;
      const inOneLine = (): string => drawIn?.(columns) ?? [...shown].slice(0, columns).join("");
      stderr.write(redraws ? `\r\u001b[K${inOneLine()}` : `${shown}\n`);
      drawn = redraws;
    },
    end() {
      if (drawn) stderr.write("\r\u001b[K");
      drawn = false;
    },
  };
}
