/** Formats that a person may hand us and that we do not read, by their first bytes. */
interface ForeignFormat {
  readonly name: string;
  /** Where the bytes stand, and what they are. */
  readonly at: number;
  readonly magic: readonly number[] | string;
  /** The program to convert it with; without it the general remedy holds. */
  readonly exportFrom?: string;
}

const foreignFormats: readonly ForeignFormat[] = [
  { name: "a Leica LIF container", at: 0, magic: [0x70, 0, 0, 0], exportFrom: "LAS X" },
  { name: "a Zeiss CZI image", at: 0, magic: "ZISRAWFILE", exportFrom: "ZEN" },
  { name: "a Nikon ND2 image", at: 0, magic: [0xda, 0xce, 0xbe, 0x0a], exportFrom: "NIS-Elements" },
  { name: "an Olympus OIR image", at: 0, magic: "OLYMPUSRAWFORMAT", exportFrom: "cellSens or FLUOVIEW" },
  {
    name: "an HDF5 file (Imaris .ims, .h5)",
    at: 0,
    magic: "\x89HDF\r\n\x1a\n",
    exportFrom: "Imaris or Fiji",
  },
  {
    name: "an OLE2 container (Olympus .oib, Zeiss .zvi)",
    at: 0,
    magic: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
  },
  { name: "a JPEG 2000 image (older Nikon ND2 among them)", at: 4, magic: "jP  \r\n" },
  { name: "a Gatan DM3 image", at: 0, magic: [0, 0, 0, 3] },
  { name: "a Gatan DM4 image", at: 0, magic: [0, 0, 0, 4] },
  { name: "a PNG image", at: 0, magic: "\x89PNG\r\n\x1a\n" },
  { name: "a JPEG image", at: 0, magic: [0xff, 0xd8, 0xff] },
  { name: "a GIF image", at: 0, magic: "GIF8" },
  { name: "a BMP image", at: 0, magic: "BM" },
  { name: "a DICOM image", at: 128, magic: "DICM" },
  { name: "a FITS image", at: 0, magic: "SIMPLE  =" },
  { name: "an NRRD image", at: 0, magic: "NRRD" },
  { name: "an MRC image", at: 208, magic: "MAP " },
  { name: "an ICS image", at: 0, magic: "\t\nics_version" },
  { name: "a ZIP archive", at: 0, magic: "PK\x03\x04" },
  { name: "a gzip archive", at: 0, magic: [0x1f, 0x8b] },
  { name: "a zstd archive", at: 0, magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { name: "a PDF document", at: 0, magic: "%PDF" },
];

export interface ForeignFile {
  /** With its article: "a Zeiss CZI image". */
  readonly name: string;
  readonly remedy: string;
}

/** What a file that no reader recognises is, as far as its first bytes tell; undefined where they tell nothing. */
export function foreignFormat(head: Uint8Array): ForeignFile | undefined {
  const found = foreignFormats.find(({ at, magic }) => {
    const bytes = typeof magic === "string" ? Buffer.from(magic, "latin1") : Buffer.from(magic);
    return head.length >= at + bytes.length && bytes.equals(head.subarray(at, at + bytes.length));
  });
  if (found === undefined) return undefined;
  const program = found.exportFrom ?? "the program that wrote it, or from Fiji,";
  return { name: found.name, remedy: `Export it from ${program} as OME-TIFF.` };
}
