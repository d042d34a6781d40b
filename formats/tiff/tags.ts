/**
 * Numbers and names of the TIFF standard, each once. Sources: TIFF 6.0 (Adobe, 1992); Adobe Photoshop TIFF
 * Technical Notes (2002) for 8, 32946 and predictor 3; BigTIFF (libtiff); the private tags of other makers.
 */

/** Field types of a directory entry: TIFF 6.0 section 2, and 13 and 16 to 18 of later years. */
export const fieldType = {
  byte: 1,
  ascii: 2,
  short: 3,
  long: 4,
  rational: 5,
  sbyte: 6,
  undefined: 7,
  sshort: 8,
  slong: 9,
  srational: 10,
  float: 11,
  double: 12,
  ifd: 13,
  long8: 16,
  slong8: 17,
  ifd8: 18,
} as const;

/** Bytes of one value of each field type. */
export const fieldTypeBytes: Readonly<Record<number, number>> = {
  [fieldType.byte]: 1,
  [fieldType.ascii]: 1,
  [fieldType.short]: 2,
  [fieldType.long]: 4,
  [fieldType.rational]: 8,
  [fieldType.sbyte]: 1,
  [fieldType.undefined]: 1,
  [fieldType.sshort]: 2,
  [fieldType.slong]: 4,
  [fieldType.srational]: 8,
  [fieldType.float]: 4,
  [fieldType.double]: 8,
  [fieldType.ifd]: 4,
  [fieldType.long8]: 8,
  [fieldType.slong8]: 8,
  [fieldType.ifd8]: 8,
};

export const tag = {
  newSubfileType: 254,
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  compression: 259,
  photometricInterpretation: 262,
  fillOrder: 266,
  imageDescription: 270,
  stripOffsets: 273,
  orientation: 274,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  xResolution: 282,
  yResolution: 283,
  planarConfiguration: 284,
  resolutionUnit: 296,
  software: 305,
  predictor: 317,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  sampleFormat: 339,
  /** MetaMorph: one entry per plane of the stack. */
  uic1: 33628,
  uic2: 33629,
  /** Molecular Dynamics GEL: how values are to be scaled. */
  mdFileTag: 33445,
  /** Olympus Soft Imaging Solutions. */
  olympusSis: 33560,
  /** Olympus FluoView. */
  fluoViewStamp: 34362,
  /** Zeiss LSM. */
  czLsmInfo: 34412,
  /** SGI image depth: rows of Z inside one page, and of one tile. */
  imageDepth: 32997,
  tileDepth: 32998,
} as const;

export const compression = {
  none: 1,
  lzw: 5,
  deflate: 8,
  packBits: 32773,
  oldDeflate: 32946,
  zstd: 50000,
} as const;

/** How the compressions are called in messages; those that are not here are called by their number. */
export const compressionName: Readonly<Record<number, string>> = {
  [compression.none]: "none",
  2: "CCITT RLE",
  3: "CCITT fax 3",
  4: "CCITT fax 4",
  [compression.lzw]: "LZW",
  6: "JPEG (old style)",
  7: "JPEG",
  [compression.deflate]: "deflate",
  [compression.packBits]: "PackBits",
  [compression.oldDeflate]: "deflate",
  [compression.zstd]: "zstd",
  32766: "NeXT",
  32771: "CCITT RLE, word aligned",
  32809: "ThunderScan",
  32895: "IT8",
  33003: "JPEG 2000",
  33004: "JPEG 2000",
  33005: "JPEG 2000",
  34676: "SGI LogLuv",
  34677: "SGI LogLuv 24",
  34712: "JPEG 2000",
  34887: "LERC",
  34892: "JPEG, lossy",
  34925: "LZMA",
  34926: "zstd (old number)",
  34927: "WebP",
  34933: "PNG",
  34934: "JPEG XR",
  50001: "WebP",
  50002: "JPEG XL",
  52546: "JPEG XL",
};

export const photometric = {
  minIsWhite: 0,
  minIsBlack: 1,
  palette: 3,
} as const;

export const photometricName: Readonly<Record<number, string>> = {
  [photometric.minIsWhite]: "MinIsWhite",
  [photometric.minIsBlack]: "MinIsBlack",
  2: "RGB",
  [photometric.palette]: "palette",
  4: "transparency mask",
  5: "CMYK",
  6: "YCbCr",
  8: "CIE L*a*b*",
  9: "ICC L*a*b*",
  10: "ITU L*a*b*",
  32803: "colour filter array",
  32844: "SGI LogL",
  32845: "SGI LogLuv",
  34892: "linear raw",
};

export const planarConfiguration = { contiguous: 1 } as const;

export const sampleFormat = {
  unsigned: 1,
  signed: 2,
  float: 3,
  void: 4,
  complexInt: 5,
  complexFloat: 6,
} as const;

export const predictor = { none: 1, horizontal: 2, floatingPoint: 3 } as const;

export const resolutionUnit = { centimeter: 3 } as const;

/** Bits of NewSubfileType. */
export const subfileType = { reducedResolution: 1, mask: 4 } as const;
