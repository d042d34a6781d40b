/**
 * Formats that a person may hand us and that we do not read. A microscope's are known by name too, because a watch folder
 * refuses those and passes over all other files.
 */
interface ForeignFormat {
  /** With its article: "a Zeiss CZI image". Absent where the format is known by its files' names only. */
  readonly magic?: { readonly is: string; readonly at: number; readonly bytes: readonly number[] | string };
  /** What a person calls files of these endings; lower case. */
  readonly endings?: Readonly<Record<string, string>>;
  /** The program to convert it with; without it the general remedy holds. */
  readonly exportFrom?: string;
}

const anyProgram = "the program that wrote it, or from Fiji,";

const foreignFormats: readonly ForeignFormat[] = [
  {
    magic: { is: "a Leica LOF image", at: 13, bytes: "L\0M\0S\0_\0O\0b\0j\0e\0c\0t\0" },
    endings: { ".lof": "Leica LOF", ".xlef": "Leica XLEF" },
    exportFrom: "LAS X",
  },
  {
    magic: { is: "a Zeiss CZI image", at: 0, bytes: "ZISRAWFILE" },
    endings: { ".czi": "Zeiss CZI", ".lsm": "Zeiss LSM" },
    exportFrom: "ZEN",
  },
  {
    magic: { is: "a Nikon ND2 image", at: 0, bytes: [0xda, 0xce, 0xbe, 0x0a] },
    endings: { ".nd2": "Nikon ND2" },
    exportFrom: "NIS-Elements",
  },
  {
    magic: { is: "an Olympus OIR image", at: 0, bytes: "OLYMPUSRAWFORMAT" },
    endings: { ".oir": "Olympus OIR" },
    exportFrom: "cellSens or FLUOVIEW",
  },
  {
    magic: { is: "an HDF5 file (Imaris .ims, .h5)", at: 0, bytes: "\x89HDF\r\n\x1a\n" },
    endings: { ".ims": "Imaris IMS", ".h5": "HDF5", ".hdf5": "HDF5" },
    exportFrom: "Imaris or Fiji",
  },
  {
    magic: {
      is: "an OLE2 container (Olympus .oib, Zeiss .zvi)",
      at: 0,
      bytes: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
    },
    endings: { ".oib": "Olympus OIB", ".zvi": "Zeiss ZVI" },
  },
  {
    endings: {
      ".oif": "Olympus OIF",
      ".vsi": "Olympus VSI",
      ".dv": "DeltaVision",
      ".sld": "SlideBook",
      ".sldy": "SlideBook",
    },
  },
  { magic: { is: "an MRC image", at: 208, bytes: "MAP " }, endings: { ".mrc": "MRC" } },
  { magic: { is: "a JPEG 2000 image (older Nikon ND2 among them)", at: 4, bytes: "jP  \r\n" } },
  { magic: { is: "a Gatan DM3 image", at: 0, bytes: [0, 0, 0, 3] } },
  { magic: { is: "a Gatan DM4 image", at: 0, bytes: [0, 0, 0, 4] } },
  { magic: { is: "a PNG image", at: 0, bytes: "\x89PNG\r\n\x1a\n" } },
  { magic: { is: "a JPEG image", at: 0, bytes: [0xff, 0xd8, 0xff] } },
  { magic: { is: "a GIF image", at: 0, bytes: "GIF8" } },
  { magic: { is: "a BMP image", at: 0, bytes: "BM" } },
  { magic: { is: "a DICOM image", at: 128, bytes: "DICM" } },
  { magic: { is: "a FITS image", at: 0, bytes: "SIMPLE  =" } },
  { magic: { is: "an NRRD image", at: 0, bytes: "NRRD" } },
  { magic: { is: "an ICS image", at: 0, bytes: "\t\nics_version" } },
  { magic: { is: "a ZIP archive", at: 0, bytes: "PK\x03\x04" } },
  { magic: { is: "a gzip archive", at: 0, bytes: [0x1f, 0x8b] } },
  { magic: { is: "a zstd archive", at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd] } },
  { magic: { is: "a PDF document", at: 0, bytes: "%PDF" } },
];

export interface ForeignName {
  /** "Zeiss CZI". */
  readonly name: string;
  readonly exportFrom: string;
}

/** The microscope's format that a file is in by its name. */
export function foreignNameOf(fileName: string): ForeignName | undefined {
  const lower = fileName.toLowerCase();
  const ending = lower.slice(lower.lastIndexOf("."));
  for (const { endings, exportFrom = anyProgram } of foreignFormats) {
    const name = endings?.[ending];
    if (name !== undefined) return { name, exportFrom };
  }
  return undefined;
}

/**
 * What a file that no reader recognises is, with its article ("a Zeiss CZI image"), as far as its first bytes tell;
 * undefined where they tell nothing.
 */
export function foreignFormat(head: Uint8Array): { name: string; remedy: string } | undefined {
  for (const { magic, exportFrom = anyProgram } of foreignFormats) {
    if (magic !== undefined && startsWith(head, magic)) {
      return { name: magic.is, remedy: `Export it from ${exportFrom} as OME-TIFF.` };
    }
  }
  return undefined;
}

function startsWith(head: Uint8Array, { at, bytes }: NonNullable<ForeignFormat["magic"]>): boolean {
  const wanted = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes);
  return head.length >= at + wanted.length && wanted.equals(head.subarray(at, at + wanted.length));
}
