import { type SampleType, type Sizes, sampleTypes, sourceFilesOf } from "../../core/acquisition.ts";
import { usageError } from "../../core/errors.ts";
import { createAtomicFile, type FileAccess } from "../file/atomic-file.ts";
import { omeXmlOf } from "../ome/write-ome-xml.ts";
import type { PlaneSinkSpec, Provenance } from "../plane/plane-sink.ts";
import type { Plane, PlaneIndex } from "../plane/plane-source.ts";
import { layoutOf, pixelsAt } from "./ome-tiff-layout.ts";
import { fieldType, tag } from "./tags.ts";
import { aligned, headerBytes } from "./write-directory.ts";
import {
  type Appender,
  compressedPlaneWriter,
  createStripEncoder,
  plainPlaneWriter,
} from "./write-planes.ts";

export interface OmeTiffOptions {
  /** Replace a file that already has the name; refused otherwise. A member of the source is never replaced. */
  readonly overwrite?: boolean;
  /** BigTIFF whatever the size; by itself it is chosen when offsets may not fit in 32 bits. */
  readonly forceBigTiff?: boolean;
  /** Who may read it. */
  readonly access?: FileAccess;
}

/**
 * Starts the OME-TIFF `path`, little-endian, appended plane by plane in the announced order with memory for one plane,
 * under a temporary name in its folder. Only `finish` makes the final name appear, complete and synced.
 *
 * Uncompressed: `[header][plane 0][plane 1]…[OME-XML][directory 0][directory 1]…`. The planes stand back to back,
 * so that readers may map them as one array; the directories stand together, so that opening a file of ten
 * thousand planes on a share is one read and not ten thousand. Everything's place is known before the first byte.
 *
 * Compressed: `[header][plane 0][plane 1][directory 1][plane 2][directory 2]…[OME-XML][directory 0]`. Places are
 * known only afterwards, so each directory follows its plane and is chained to the one before it.
 *
 * In both the header comes last: until then the file is no TIFF to anybody.
 *
 * Throws `EdgeError`: `usage` when the file exists or is the source, `machine` when the disk refuses.
 */
export async function createOmeTiff(path: string, spec: PlaneSinkSpec, options: OmeTiffOptions = {}) {
  const { sizes } = spec.acquisition;
  const layout = layoutOf(spec, options.forceBigTiff ?? false);
  const compression = spec.compression ?? "none";
  const encode = compression === "none" ? undefined : await createStripEncoder(layout, compression);
  const file = await createAtomicFile(path, {
    overwrite: options.overwrite ?? false,
    sources: sourceFilesOf(spec.acquisition),
    access: options.access ?? {},
    // What compression saves is not known, so nothing can be asked for.
    ...(layout.compressed ? {} : { expectedBytes: layout.largestFileBytes }),
  });

  let end = pixelsAt;
  const appender: Appender = {
    end: () => end,
    async append(bytes) {
      const at = end;
      await file.write(bytes, at);
      end = at + bytes.byteLength;
      return at;
    },
    align() {
      end = aligned(end);
    },
    overwriteAt: (bytes, position) => file.write(bytes, position),
  };
  const planes =
    encode === undefined
      ? plainPlaneWriter(layout, appender)
      : compressedPlaneWriter(layout, appender, encode);
  let written = 0;
  let last: Promise<void> = Promise.resolve();

  const writeNext = async (plane: Plane): Promise<void> => {
    const expected = planeIndexAt(written, sizes, spec.fastest ?? "z");
    refuseOtherPlane(plane, expected, path);
    refuseOtherSamples(plane, spec.sampleType, sizes, path);
    await planes.writePlane(plane.samples);
    written += 1;
  };

  return {
    /** Why the file has not the access that was asked for; undefined: it has. */
    accessProblem: file.accessProblem,
    write(plane: Plane): Promise<void> {
      // Each plane waits for the one before it, also where the caller does not.
      last = last.then(() => writeNext(plane));
      return last;
    },
    /**
     * Writes the metadata, syncs, renames, syncs the folder. Refuses if planes are missing. `check` is given the
     * complete file under its temporary name; when it throws, the file gets no other name and `abort` removes it.
     */
    async finish(provenance: Provenance, check?: (path: string) => Promise<void>): Promise<void> {
      await last;
      if (written !== layout.planes) {
        throw usageError("planes are missing at the end", {
          code: "planes-missing",
          file: path,
          found: `${written} planes`,
          allowed: `${layout.planes} planes`,
        });
      }
      // The NUL ends it as TIFF 6.0 asks; the OME-TIFF specification wants UTF-8 where TIFF 6.0 says ASCII.
      const xml = Buffer.from(`${omeXmlOf(spec, provenance)}\0`, "utf8");
      appender.align();
      const xmlAt = await appender.append(xml);
      const description = {
        tag: tag.imageDescription,
        type: fieldType.ascii,
        count: xml.byteLength,
        offset: xmlAt,
      };
      const firstDirectory = await planes.writeDirectories(description);
      await file.write(headerBytes(layout.flavour, firstDirectory), 0);
      await file.commit(end, check);
    },
    /** Removes the temporary file. Does nothing after `finish`. Never throws. */
    abort: file.abort,
  };
}

/** The index of the plane that comes `position`-th: Z fastest in T, C, Z; or T fastest in Z, C, T. */
export function planeIndexAt(position: number, sizes: Sizes, fastest: "z" | "t"): PlaneIndex {
  const inner = fastest === "z" ? sizes.z : sizes.t;
  const innermost = position % inner;
  const c = Math.floor(position / inner) % sizes.c;
  const outermost = Math.floor(position / inner / sizes.c);
  return fastest === "z" ? { t: outermost, c, z: innermost } : { t: innermost, c, z: outermost };
}

function refuseOtherPlane(plane: PlaneIndex, expected: PlaneIndex, file: string): void {
  if (plane.t === expected.t && plane.c === expected.c && plane.z === expected.z) return;
  throw usageError("a plane came out of order", {
    code: "plane-order",
    file,
    found: `t ${plane.t}, c ${plane.c}, z ${plane.z}`,
    allowed: `t ${expected.t}, c ${expected.c}, z ${expected.z}`,
  });
}

function refuseOtherSamples(plane: Plane, sampleType: SampleType, sizes: Sizes, file: string): void {
  const { samples } = plane;
  const expectedLength = sizes.x * sizes.y;
  if (
    samples.constructor === sampleTypes[sampleType].make(0).constructor &&
    samples.length === expectedLength
  )
    return;
  throw usageError("a plane has other samples than announced", {
    code: "plane-samples",
    file,
    at: `t ${plane.t}, c ${plane.c}, z ${plane.z}`,
    found: `${samples.length} in ${samples.constructor.name}`,
    allowed: `${expectedLength} of ${sampleType}`,
  });
}
