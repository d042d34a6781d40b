/** The names of units in OME-Zarr (those of UDUNITS-2) as the OME schema and `ome/units.ts` spell them. Pure. */

const prefixes: Readonly<Record<string, string>> = {
  yotta: "Y",
  zetta: "Z",
  exa: "E",
  peta: "P",
  tera: "T",
  giga: "G",
  mega: "M",
  kilo: "k",
  hecto: "h",
  deca: "da",
  deci: "d",
  centi: "c",
  milli: "m",
  micro: "µ",
  nano: "n",
  pico: "p",
  femto: "f",
  atto: "a",
  zepto: "z",
  yocto: "y",
};

const symbols: Readonly<Record<string, string>> = {
  meter: "m",
  metre: "m",
  second: "s",
  minute: "min",
  hour: "h",
  day: "d",
  angstrom: "Å",
  foot: "ft",
  inch: "in",
  mile: "mi",
  yard: "yd",
  parsec: "pc",
};

/** "micrometer" → "µm"; what is no such name stays as it is. */
export function symbolOf(name: string): string {
  const lower = name.trim().toLowerCase();
  const own = Object.hasOwn(symbols, lower) ? symbols[lower] : undefined;
  if (own !== undefined) return own;
  const [, prefix = "", unit = ""] = /^([a-z]+?)(meter|metre|second)$/.exec(lower) ?? [];
  const short = Object.hasOwn(prefixes, prefix) ? prefixes[prefix] : undefined;
  return short === undefined ? name : `${short}${symbols[unit] ?? unit}`;
}
