/**
 * Text as it may stand in an XML 1.0 document in UTF-8. There are no numeric references on purpose: Bio-Formats
 * spoils `&#` wherever it stands. What XML 1.0 does not allow at all (section 2.2: most control characters, lone
 * surrogates) becomes U+FFFD, and line ends become those that every parser makes of them (section 2.11).
 */
export function xmlText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(notAllowed, "\ufffd")
    .replaceAll(/[&<>"]/g, (char) => entities[char] ?? char);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const notAllowed = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** An attribute, with the space before it; nothing where there is no value. Tabs and line ends become spaces. */
export function xmlAttribute(name: string, value: string | number | undefined): string {
  return value === undefined ? "" : ` ${name}="${xmlText(String(value)).replaceAll(/[\t\n]/g, " ")}"`;
}
