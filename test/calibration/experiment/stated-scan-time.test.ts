import assert from "node:assert/strict";
import { test } from "node:test";
import { statedScanTimeS } from "../../../calibration/experiment/stated-scan-time.ts";
import type { Acquisition, OriginalMetadata } from "../../../core/acquisition.ts";

function fileWith(original: OriginalMetadata, z: number): Acquisition {
  return { original, sizes: { t: 3, c: 2, z, y: 8, x: 8 } } as Acquisition;
}

function ome(planes: string): OriginalMetadata {
  const first = `<Image ID="Image:0"><Pixels><Plane TheC="0" TheT="0" TheZ="0" ExposureTime="9"/></Pixels></Image>`;
  const xml = `<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">${first}<Image ID="Image:1"><Pixels>${planes}</Pixels></Image></OME>`;
  return { kind: "ome-xml", xml, imageIndex: 1 };
}

test("a scan takes the exposures of its planes, in whatever unit they are stated", () => {
  const planes =
    `<Plane TheC="1" TheT="0" TheZ="0" ExposureTime="100" ExposureTimeUnit="ms"/>` +
    `<Plane TheC="1" TheT="0" TheZ="1" ExposureTime="0.2"/>` +
    `<Plane TheC="1" TheT="1" TheZ="0" ExposureTime="50"/><Plane TheC="0" TheT="0" TheZ="0" ExposureTime="7"/>`;
  const seconds = statedScanTimeS(fileWith(ome(planes), 2), 1) ?? Number.NaN;
  assert.ok(Math.abs(seconds - 0.3) < 1e-12, `${seconds}`);
});

test("nothing is made up where a plane states no exposure", () => {
  const planes = `<Plane TheC="0" TheT="0" TheZ="0" ExposureTime="1"/><Plane TheC="0" TheT="0" TheZ="1"/>`;
  assert.equal(statedScanTimeS(fileWith(ome(planes), 2), 0), undefined);
  assert.equal(statedScanTimeS(fileWith({ kind: "none" }, 1), 0), undefined);
  assert.equal(
    statedScanTimeS(fileWith({ kind: "ome-xml", xml: "<OME><Image", imageIndex: 0 }, 1), 0),
    undefined,
  );
});

test("ScanImage's frame period is taken for each plane", () => {
  const text = "SI.hRoiManager.scanFramePeriod = 0.0333\nSI.hRoiManager.scanFrameRate = 30.03";
  assert.equal(statedScanTimeS(fileWith({ kind: "text", text }, 2), 0), 0.0666);
  assert.equal(statedScanTimeS(fileWith({ kind: "text", text: "frames = 3" }, 2), 0), undefined);
});
