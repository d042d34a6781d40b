import { buildTiff, numberedPages } from "../formats/build-tiff.ts";

/**
 * File `index` of an OME-TIFF set of `count` files, `S_0.ome.tif` and on, of one plane of 4 x 3 uint16 each, all
 * with the whole XML.
 */
export function setMember(index: number, count: number): Buffer {
  const blocks = Array.from(
    { length: count },
    (_, t) =>
      `<TiffData IFD="0" FirstT="${t}" PlaneCount="1"><UUID FileName="S_${t}.ome.tif">urn:uuid:${t}</UUID></TiffData>`,
  ).join("");
  const content = `<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="${count}">${blocks}</Pixels></Image>`;
  const xml = `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:${index}">${content}</OME>`;
  return buildTiff(
    numberedPages(1, 4, 3, index + 1).map((page, i) => (i === 0 ? { ...page, description: xml } : page)),
  );
}
