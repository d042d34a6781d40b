import { buildTiff, numberedPages } from "../formats/build-tiff.ts";
import { describedPlane, omeXml, setMember } from "./set-member.ts";

/** Which files of a set say what it is: each of them, the first of them, or one that holds no plane. */
export type Description = "each" | "first" | "companion";

type NamedFile = readonly [name: string, bytes: Buffer];

/** An OME-TIFF set of `count` files of one plane, as it is `described`; its first file by name describes it, or the companion. */
export function describedSet(count: number, described: Description): readonly NamedFile[] {
  if (described === "each") {
    return Array.from({ length: count }, (_, index) => [`S_${index}.ome.tif`, setMember(index, count)]);
  }
  const names = Array.from({ length: count }, (_, index) => `S_${String(index).padStart(4, "0")}.ome.tif`);
  const describer = described === "first" ? (names[0] ?? "") : "S.companion.ome";
  const blocks = names.map(
    (name, t) =>
      `<TiffData IFD="0" FirstT="${t}" PlaneCount="1"><UUID FileName="${name}">urn:uuid:${name}</UUID></TiffData>`,
  );
  const whole = `<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="${count}">${blocks.join("")}</Pixels></Image>`;
  const stub = `<BinaryOnly MetadataFile="${describer}" UUID="urn:uuid:${describer}"/>`;
  const planes = names.map((name, index): NamedFile => {
    return [name, describedPlane(index, omeXml(name, name === describer ? whole : stub))];
  });
  return described === "first" ? planes : [...planes, [describer, Buffer.from(omeXml(describer, whole))]];
}

/** An OME-TIFF of `count` images of one plane each. */
export function imagesInOne(count: number): Buffer {
  const image = (index: number): string =>
    `<Image ID="Image:${index}"><Pixels ID="Pixels:${index}" DimensionOrder="XYZCT" Type="uint16" SizeX="4" SizeY="3" SizeZ="1" SizeC="1" SizeT="1"><TiffData IFD="${index}"/></Pixels></Image>`;
  const description = omeXml("images", Array.from({ length: count }, (_, index) => image(index)).join(""));
  return buildTiff(
    numberedPages(count, 4, 3, 1).map((page, i) => (i === 0 ? { ...page, description } : page)),
  );
}
