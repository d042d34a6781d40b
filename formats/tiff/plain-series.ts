import { type EdgeError, unsupportedError } from "../../core/errors.ts";
import type { PageLayout } from "./page.ts";
import { type SeriesFacts, type SeriesOrRefusal, sizeAndType, type TiffSeries } from "./series.ts";
import { photometric } from "./tags.ts";
import type { TiffFile } from "./tiff-file.ts";

/**
 * Pages without metadata that we know: all pages of one size, sample type and meaning are one sequence without a
 * named axis (I), in their order. Smaller copies and masks (NewSubfileType) of another kind than
 * the pages before are left out. `make` and `notes` are for
 * those who know more of the file.
 */
export function readPlainSeries(
  tiff: TiffFile,
  known: Pick<SeriesFacts, "make" | "describedBy" | "notes"> = { make: "TIFF", notes: [] },
): readonly SeriesOrRefusal[] {
  const { groups, leftOut } = groupPages(tiff);
  const notes = [...known.notes];
  if (groups.length > 1) notes.push(`the pages are of ${groups.length} kinds; each is a series`);
  if (leftOut > 0) notes.push(`${leftOut} smaller copies or masks are left out`);
  return groups.map(({ pages, refusal }) =>
    refusal === undefined ? plainSeries(tiff, pages, { ...known, notes }) : refusal,
  );
}

interface PageGroup {
  readonly pages: number[];
  readonly refusal?: EdgeError;
}

function groupPages(tiff: TiffFile): { groups: readonly PageGroup[]; leftOut: number } {
  const { count, kinds, kindOf } = tiff.pages;
  const allReduced = kinds.every((kind) => kind.reduced);
  const groups = new Map<string, PageGroup>();
  let leftOut = 0;
  for (let page = 0; page < count; page += 1) {
    const kind = kinds[kindOf[page] ?? 0];
    if (kind === undefined) continue;
    const refusal = "refusal" in kind ? kind.refusal : paletteRefusal(tiff.file, kind.layout);
    const key =
      "refusal" in kind ? kind.refusal.message : `${sizeAndType(kind.layout)} ${kind.layout.photometric}`;
    const group = groups.get(key);
    if (kind.reduced && !allReduced && group === undefined) {
      leftOut += 1;
      continue;
    }
    if (group === undefined)
      groups.set(key, { pages: [page], ...(refusal === undefined ? {} : { refusal }) });
    else group.pages.push(page);
  }
  return { groups: [...groups.values()], leftOut };
}

function plainSeries(
  tiff: TiffFile,
  pages: readonly number[],
  known: Pick<SeriesFacts, "make" | "describedBy" | "notes">,
): TiffSeries {
  const pageOf = Uint32Array.from(pages);
  const { description } = tiff;
  return {
    file: tiff.file,
    members: [tiff],
    placeOf: (index) => ({ member: 0, page: pageOf[index] ?? 0, skip: 0 }),
    facts: {
      ...known,
      stored: { letters: "I", lengths: [pages.length] },
      original: description === "" ? { kind: "none" } : { kind: "text", text: description },
    },
  };
}

/** Palette images are colour, but for those of ImageJ and OME, where a palette only says how to show intensities. */
export function paletteRefusal(file: string, layout: PageLayout): EdgeError | undefined {
  if (layout.photometric !== photometric.palette) return undefined;
  return unsupportedError("this is a palette image, and only grey images are read", {
    code: "tiff-palette",
    file,
    remedy: "If its indices are intensities, save it as grey, for example with ImageJ (Image > Type).",
  });
}
