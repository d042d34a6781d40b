/**
 * Text as it may stand in an XML 1.0 document, in ASCII only: every other character becomes a numeric reference,
 * so that a reader who takes ImageDescription for Latin-1 still sees `µ`. What XML 1.0 does not allow at all
 * (section 2.2: most control characters, lone surrogates) becomes U+FFFD.
 */
export function xmlText(text: string): string {
  return text.replace(/[^\t\n !#-%'-;=?-~]/gu, escaped);
}

/** An attribute, with the space before it; nothing where there is no value. Line ends are kept as references. */
export function xmlAttribute(name: string, value: string | number | undefined): string {
  if (value === undefined) return "";
  const text = xmlText(String(value)).replaceAll("\n", "&#10;").replaceAll("\t", "&#9;");
  return ` ${name}="${text}"`;
}

function escaped(char: string): string {
  switch (char) {
    case "&":
      return "&amp;";
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return `&#${allowed(char.codePointAt(0) ?? 0)};`;
  }
}

/** The code point itself where XML 1.0 allows it, else that of the replacement character. */
function allowed(code: number): number {
  const isText =
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    code >= 0x1_0000;
  return isText ? code : 0xfffd;
}
