/**
 * What is wrong with the structure of a `.safetensors` header, before `JSON.parse` takes it: that takes a name twice
 * without a word, and builds whatever is written. Source: huggingface/safetensors, README, "Format".
 */

/** Names of tensors; a CNNT has some 500, an average of its weights as many again. */
const maxNames = 20_000;
const maxNameLength = 512;
/** Axes of a tensor: a convolution's weights have four or five. */
const maxRank = 8;
/** Header, tensor, shape. */
const maxDepth = 3;

/** In words, or undefined for a structure that may be parsed; whether it is JSON at all is not looked at. */
export function oddityOfHeader(text: string): string | undefined {
  const names = new Set<string>();
  let depth = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === "{" || char === "[") {
      depth += 1;
      commas = 0;
      if (depth > maxDepth) return `a header nested deeper than ${maxDepth}`;
    } else if (char === "}" || char === "]") {
      depth -= 1;
    } else if (char === "," && depth === maxDepth) {
      commas += 1;
      if (commas >= maxRank) return `a tensor of more than ${maxRank} axes`;
    } else if (char === '"') {
      const end = endOfString(text, at);
      if (depth === 1 && isName(text, end)) {
        if (end - at > maxNameLength) return `a name of ${end - at} characters`;
        const name = text.slice(at, end);
        if (names.has(name)) return `two tensors with the name ${name}`;
        names.add(name);
        if (names.size > maxNames) return `more than ${maxNames} names`;
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Position after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isName(text: string, from: number): boolean {
  let at = from;
  while (/\s/.test(text[at] ?? "")) at += 1;
  return text[at] === ":";
}
