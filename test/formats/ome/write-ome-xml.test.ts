import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SaxesParser, type SaxesTagNS } from "saxes";
import type { Acquisition, OriginalMetadata } from "../../../core/acquisition.ts";
import { omeXmlOf } from "../../../formats/ome/write-ome-xml.ts";

const ome = "http://www.openmicroscopy.org/Schemas/OME/2016-06";

function acquisition(original: OriginalMetadata, changes: Partial<Acquisition> = {}): Acquisition {
  return {
    file: "raw.tif",
    members: ["raw.tif"],
    series: 0,
    seriesCount: 1,
    make: "TIFF",
    axes: "TCZYX",
    shape: [2, 3, 4, 5, 6],
    sizes: { t: 2, c: 3, z: 4, y: 5, x: 6 },
    sampleType: "uint16",
    pixelSize: {},
    channels: [{ name: "one" }, {}, { name: "three" }],
    compression: "none",
    byteOrder: "little",
    original,
    notes: [],
    ...changes,
  };
}

/** What XML 1.0 (section 2.2) does not allow, replaced. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const illegal = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udfff]/gu;

function legal(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(illegal, "\ufffd");
}

function write(source: Acquisition, provenance: readonly (readonly [string, string])[] = []): string {
  return omeXmlOf({ acquisition: source, sampleType: source.sampleType }, provenance);
}

interface Element {
  readonly name: string;
  readonly uri: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** Parses strictly; the test fails where the document is not well-formed. */
function parse(xml: string): Element {
  const root: Element = { name: "", uri: "", attributes: {}, children: [], text: "" };
  const stack = [root];
  const parser = new SaxesParser({ xmlns: true });
  parser.on("opentag", (node: SaxesTagNS) => {
    const attributes = Object.fromEntries(
      Object.values(node.attributes).map(({ name, value }) => [name, value]),
    );
    const element = { name: node.local, uri: node.uri, attributes, children: [], text: "" };
    stack.at(-1)?.children.push(element);
    stack.push(element);
  });
  parser.on("text", (text) => {
    const top = stack.at(-1);
    if (top !== undefined) top.text += text;
  });
  parser.on("closetag", () => {
    stack.pop();
  });
  parser.write(xml).close();
  return root.children[0] ?? root;
}

function all(element: Element, name: string): Element[] {
  return [
    ...(element.name === name ? [element] : []),
    ...element.children.flatMap((child) => all(child, name)),
  ];
}

function only(element: Element, name: string): Element {
  const found = all(element, name);
  assert.equal(found.length, 1, `${found.length} ${name}`);
  return found[0] ?? element;
}

const source2016 = (image: string, after = ""): OriginalMetadata => ({
  kind: "ome-xml",
  imageIndex: 0,
  xml: `<?xml version="1.0"?><OME xmlns="${ome}" UUID="urn:uuid:11111111-1111-1111-1111-111111111111">${image}${after}</OME>`,
});

const pixels = (inside: string): string =>
  `<Pixels ID="Pixels:7" DimensionOrder="XYCTZ" Type="uint16" SizeX="6" SizeY="5" SizeZ="4" SizeC="3" SizeT="2" BigEndian="true">${inside}</Pixels>`;

test("a file without metadata gets sizes, type, order, channels and one TiffData over all planes", () => {
  const root = parse(write(acquisition({ kind: "none" })));
  assert.deepEqual([root.name, root.uri], ["OME", ome]);
  const { attributes } = only(root, "Pixels");
  assert.deepEqual(
    ["DimensionOrder", "Type", "BigEndian", "SizeX", "SizeY", "SizeZ", "SizeC", "SizeT"].map(
      (name) => attributes[name],
    ),
    ["XYZCT", "uint16", "false", "6", "5", "4", "3", "2"],
  );
  assert.deepEqual(
    all(root, "Channel").map((channel) => channel.attributes["Name"]),
    ["one", undefined, "three"],
  );
  assert.deepEqual(only(root, "TiffData").attributes, {
    FirstZ: "0",
    FirstC: "0",
    FirstT: "0",
    IFD: "0",
    PlaneCount: "24",
  });
});

test("where time runs fastest the dimension order says so", () => {
  const spec = { acquisition: acquisition({ kind: "none" }), sampleType: "float32", fastest: "t" } as const;
  const { attributes } = only(parse(omeXmlOf(spec, [])), "Pixels");
  assert.deepEqual([attributes["DimensionOrder"], attributes["Type"]], ["XYTCZ", "float"]);
});

test("physical sizes keep their unit where OME has it, and become µm where it has not", () => {
  const source = acquisition(
    { kind: "none" },
    {
      pixelSize: {
        x: { value: 65, unit: "nm", um: 0.065 },
        y: { value: 0.065, unit: "\u03bcm", um: 0.065 },
        z: { value: 2, unit: "micron", um: 2 },
      },
      timeIncrement: { value: 1.5, unit: "sec", s: 1.5 },
    },
  );
  const { attributes } = only(parse(write(source)), "Pixels");
  assert.deepEqual(
    ["X", "Y", "Z"].map((axis) => [attributes[`PhysicalSize${axis}`], attributes[`PhysicalSize${axis}Unit`]]),
    [
      ["65", "nm"],
      ["0.065", "\u00b5m"],
      ["2", "\u00b5m"],
    ],
  );
  assert.deepEqual([attributes["TimeIncrement"], attributes["TimeIncrementUnit"]], ["1.5", "s"]);
});

test("unknown and impossible pixel sizes stay absent", () => {
  const pixelSize = {
    x: { value: 0, unit: "µm", um: 0 },
    y: { value: Number.NaN, unit: "µm" },
    z: { value: 1, unit: "furlong" },
  };
  assert.doesNotMatch(write(acquisition({ kind: "none" }, { pixelSize })), /PhysicalSize/);
});

test("significant bits are carried with the type that they belong to", () => {
  const source = acquisition({ kind: "none" }, { significantBits: 12 });
  assert.match(write(source), /SignificantBits="12"/);
  assert.doesNotMatch(omeXmlOf({ acquisition: source, sampleType: "float32" }, []), /SignificantBits/);
});

test("provenance is a map annotation of the image, in the given order", () => {
  const root = parse(
    write(acquisition({ kind: "none" }), [
      ["model", "a & b"],
      ["tile", "16, 64, 64"],
    ]),
  );
  const map = only(root, "MapAnnotation");
  assert.equal(map.attributes["Namespace"], "cnnt-edge/provenance/1");
  assert.deepEqual(
    all(map, "M").map((pair) => [pair.attributes["K"], pair.text]),
    [
      ["model", "a & b"],
      ["tile", "16, 64, 64"],
    ],
  );
  assert.deepEqual(only(root, "AnnotationRef").attributes["ID"], map.attributes["ID"]);
});

test("any text survives but for line ends, and what XML does not allow becomes a replacement character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({ unit: "binary", maxLength: 40 }),
      (name, value) => {
        const xml = write(acquisition({ kind: "text", text: value }, { name }), [[name, value]]);
        const root = parse(xml);
        assert.equal(only(root, "Image").attributes["Name"], legal(name).replaceAll(/[\t\n]/g, " "));
        assert.equal(only(root, "M").text, legal(value));
        if (value !== "") assert.equal(only(only(root, "CommentAnnotation"), "Value").text, legal(value));
      },
    ),
  );
});

test("an OME source keeps instrument, channels, planes, regions and annotations; places of old pixels go", () => {
  const original = source2016(
    `<Instrument ID="Instrument:0"><Objective ID="Objective:0" NominalMagnification="63"/></Instrument>` +
      `<Image ID="Image:0" Name="embryo"><AcquisitionDate>2026-01-02T03:04:05</AcquisitionDate><InstrumentRef ID="Instrument:0"/>` +
      pixels(
        `<Channel ID="Channel:0:0" Name="GFP" Color="16711935" EmissionWavelength="509" SamplesPerPixel="3"><LightPath/></Channel>` +
          `<TiffData IFD="9"><UUID FileName="old.tif">urn:uuid:22222222-2222-2222-2222-222222222222</UUID></TiffData>` +
          `<Plane TheZ="0" TheT="1" TheC="2" DeltaT="3.5" PositionXUnit="\u03bcm"><HashSHA1>0000</HashSHA1><AnnotationRef ID="Annotation:0"/></Plane>` +
          `<Plane TheZ="4" TheT="0" TheC="0"/>`,
      ) +
      `<ROIRef ID="ROI:0"/></Image>`,
    `<StructuredAnnotations><XMLAnnotation ID="Annotation:0"><Value><a:b xmlns:a="urn:a" a:c="1"> &lt;x <d/></a:b></Value></XMLAnnotation></StructuredAnnotations>` +
      `<ROI ID="ROI:0"><Union><Point ID="Shape:0" X="1" Y="2"/></Union></ROI>`,
  );
  const xml = write(acquisition(original), [["model", "m"]]);
  const root = parse(xml);

  assert.equal(only(root, "Objective").attributes["NominalMagnification"], "63");
  assert.equal(only(root, "AcquisitionDate").text, "2026-01-02T03:04:05");
  const [gfp, ...added] = all(root, "Channel");
  assert.deepEqual(
    ["Name", "Color", "EmissionWavelength", "SamplesPerPixel"].map((name) => gfp?.attributes[name]),
    ["GFP", "16711935", "509", "1"],
  );
  assert.deepEqual(
    added.map((channel) => channel.attributes["Name"]),
    [undefined, "three"],
  );
  assert.equal(only(root, "TiffData").attributes["PlaneCount"], "24");
  const plane = only(root, "Plane");
  assert.deepEqual([plane.attributes["DeltaT"], plane.attributes["PositionXUnit"]], ["3.5", "\u00b5m"]);
  assert.deepEqual(
    plane.children.map((child) => child.name),
    ["AnnotationRef"],
  );
  assert.equal(only(root, "Pixels").attributes["BigEndian"], "false");
  assert.match(xml, /<a:b xmlns:a="urn:a" a:c="1"> &lt;x <d\/><\/a:b>/);
  assert.deepEqual(
    root.children.map((child) => child.name),
    ["Instrument", "Image", "StructuredAnnotations", "ROI"],
  );
  assert.deepEqual(
    only(root, "Image").children.map((child) => child.name),
    ["AcquisitionDate", "InstrumentRef", "Pixels", "ROIRef", "AnnotationRef"],
  );
  assert.notEqual(root.attributes["UUID"], "urn:uuid:11111111-1111-1111-1111-111111111111");
  assert.doesNotMatch(xml, /old\.tif|CommentAnnotation/);
});

test("of several images only the chosen one is carried, with its own regions", () => {
  const image = (index: number): string =>
    `<Image ID="Image:${index}" Name="series ${index}">${pixels("<MetadataOnly/>")}<ROIRef ID="ROI:${index}"/></Image>`;
  const original = {
    ...source2016(image(0) + image(1), `<ROI ID="ROI:0"/><ROI ID="ROI:1"/>`),
    imageIndex: 1,
  } as OriginalMetadata;
  const root = parse(write(acquisition(original)));
  assert.equal(only(root, "Image").attributes["Name"], "series 1");
  assert.deepEqual(
    all(root, "ROI").map((roi) => roi.attributes["ID"]),
    ["ROI:1"],
  );
});

test("what the schema has no place for goes, and then the source's text is kept", () => {
  const original = source2016(`<Image ID="Image:0">${pixels("<MetadataOnly/><Vendor secret='1'/>")}</Image>`);
  assert.ok(original.kind === "ome-xml");
  const root = parse(write(acquisition(original)));
  assert.deepEqual(all(root, "Vendor"), []);
  assert.equal(only(only(root, "CommentAnnotation"), "Value").text, original.xml);
});

test("of an older schema what kept its form is carried, and the source's text is kept", () => {
  const xml =
    `<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2010-06"><Instrument ID="Instrument:0"/>` +
    `<Image ID="Image:0" Name="old"><AcquiredDate>2010-01-01T00:00:00</AcquiredDate>` +
    `${pixels('<Channel ID="Channel:0:0" Name="DAPI" PinholeSize="1"/><TiffData/><Plane TheZ="0" TheT="0" TheC="0" DeltaT="1"/>')}</Image></OME>`;
  const root = parse(write(acquisition({ kind: "ome-xml", xml, imageIndex: 0 })));
  assert.equal(root.uri, ome);
  assert.equal(only(root, "AcquisitionDate").text, "2010-01-01T00:00:00");
  assert.equal(all(root, "Channel")[0]?.attributes["Name"], "DAPI");
  assert.equal(only(root, "Plane").attributes["DeltaT"], "1");
  assert.deepEqual(all(root, "Instrument"), []);
  assert.equal(only(only(root, "CommentAnnotation"), "Value").text, xml);
});

test("IDs as Micro-Manager writes them are mended where they stand and where they are referred to", () => {
  const original = source2016(
    `<Instrument ID="My Microscope"/><Image ID="Image:0"><InstrumentRef ID="My Microscope"/>${pixels("<MetadataOnly/>")}</Image>`,
  );
  const root = parse(write(acquisition(original)));
  assert.equal(only(root, "Instrument").attributes["ID"], "Instrument:My_Microscope");
  assert.equal(only(root, "InstrumentRef").attributes["ID"], "Instrument:My_Microscope");
});

test("a result of ours that is denoised again keeps both provenances", () => {
  const first = write(acquisition({ kind: "none" }), [["model", "first"]]);
  const root = parse(
    write(acquisition({ kind: "ome-xml", xml: first, imageIndex: 0 }), [["model", "second"]]),
  );
  const maps = all(root, "MapAnnotation");
  assert.deepEqual(
    maps.map((map) => only(map, "M").text),
    ["first", "second"],
  );
  assert.equal(new Set(maps.map((map) => map.attributes["ID"])).size, 2);
});

test("text that only claims to be OME-XML is kept as it is, in a document of our own", () => {
  for (const xml of [
    "<OME>",
    "not xml at all",
    "<OME xmlns='urn:else'><Image/></OME>",
    `<OME xmlns="${ome}"/>`,
  ]) {
    const root = parse(write(acquisition({ kind: "ome-xml", xml, imageIndex: 0 })));
    assert.equal(only(only(root, "CommentAnnotation"), "Value").text, xml);
    assert.equal(all(root, "Channel").length, 3);
  }
});
