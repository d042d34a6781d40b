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
  return describedPlane(index, omeXml(String(index), content));
}

export function omeXml(uuid: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:${uuid}">${content}</OME>`;
}

/** A TIFF of one plane of 4 x 3 uint16, other samples for each `index`. */
export function describedPlane(index: number, description: string): Buffer {
  return buildTiff(numberedPages(1, 4, 3, index + 1).map((page) => ({ ...page, description })));
}

/** A set of two images, of a and m, and of z: only m.ome.tif has the XML, the others name it. */
export function masterSet(): [name: string, bytes: Buffer][] {
  const image = (id: number, files: readonly string[]): string => {
    const blocks = files.map(
      (file, t) =>
        `<TiffData IFD="0" FirstT="${t}" PlaneCount="1"><UUID FileName="${file}">urn:uuid:${file}</UUID></TiffData>`,
    );
    return `<Image ID="Image:${id}"><Pixels ID="Pixels:${id}" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="${files.length}">${blocks.join("")}</Pixels></Image>`;
  };
  const [a, m, z] = ["a.ome.tif", "m.ome.tif", "z.ome.tif"] as const;
  const stub = `<BinaryOnly MetadataFile="${m}" UUID="urn:uuid:${m}"/>`;
  return [a, m, z].map((name, index) => {
    const content = name === m ? `${image(0, [a, m])}${image(1, [z])}` : stub;
    return [name, describedPlane(index, omeXml(name, content))];
  });
}
