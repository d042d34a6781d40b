import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readCalibration } from "../../../calibration/pinned/read-calibration.ts";
import type { Calibration, CalibrationImage } from "../../../calibration/result/result.ts";
import { messageKinds } from "../../../core/messages.ts";
import type { Engine } from "../../../runtime/job/denoise-job.ts";
import { calibrationMessage } from "../../../watcher/messages/calibration-message.ts";
import { createCalibrationPublisher } from "../../../watcher/publish/calibration-publisher.ts";
import { startEmbeddedBroker } from "../../../watcher/publish/embedded-broker.ts";
import { copyingEngine } from "../copying-engine.ts";
import { listen } from "../publish/brokers.ts";
import { repository, runDaemon } from "../running-daemon.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { tinyTiff } from "../tiny-tiff.ts";
import { until } from "../until.ts";

const id = "0123456789abcdef";
const image: CalibrationImage = {
  naive_mean_squared_error: 1,
  naive_psnr_db: 30,
  ssim_biased_by_reference_noise: { published_7x7: 1, published_7x7x7: 1, scikit_image_gaussian: 1 },
  ring_correlation: { cycles_per_px: [], correlation: [] },
  intensity_slope: 1,
  intensity_offset: 0,
  intensity_bins: [],
  shift: { y_px: 0, x_px: 0 },
  detail: [],
};

function calibrationOf(change: Partial<Calibration> = {}): Calibration {
  const level = { draws: 2, references: 2, raw: image, denoised: image, verdicts: [], removed: 0 };
  return {
    schema: 1,
    id,
    created: "2026-01-01T00:00:00.000Z",
    version: "0.1.0",
    inputs: ["/lab/secret/scan-001.ome.tif"],
    kind: "repeats",
    images: 8,
    field_px: { z: 1, y: 8, x: 8 },
    model: { name: "another", version: "1", sha256: "ab", intensity: "preserved" },
    provider: "cpu",
    settings: {},
    drift: { measurable: true, uncertainty_px: 0, measured: [], undone: [], left_out: [] },
    bleaching: { corrected: false, range: 0, factors: [], offset: 0, offset_from: "option" },
    stillness: 1,
    unit: "grey value",
    data_range: 100,
    grey_values_per_photon: null,
    levels: [
      { averages: 1, noise_to_signal: 0.4, ...level },
      { averages: 2, noise_to_signal: 0.2, ...level },
    ],
    answer: {
      headline: "Yes",
      sentences: [],
      averages_needed: 2,
      averages_likely_needed: 2,
      raw_averages_needed: 8,
      speed_up: 4,
      no_gain_from_averages: null,
      mosaic_time_before_s: null,
      mosaic_time_after_s: null,
    },
    ...change,
  };
}

test("a pinned calibration is published; a noisier acquisition is told by its job and its folder", async (t) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "calibration.json"), JSON.stringify(calibrationOf()));
  const { engine: copying, orders } = copyingEngine();
  const warning = "channel 0 is noisier than what was calibrated";
  const engine: Engine = {
    ...copying,
    denoise: async (job, options) => ({
      ...(await copying.denoise(job, options)),
      noise: [
        { channel: 0, calibration: id, averages: 2, noiseToSignal: 0.6, ratio: 3, noisier: true, warning },
      ],
    }),
  };
  const model = join(repository, "models/identity");
  const { said, heard } = await runDaemon(t, folder, engine, {
    folders: [{ name: "f", path: "incoming", output: "denoised", model, calibration: "calibration.json" }],
  });
  const published = await until("it is published", () => said(`calibration/${id}`)[0]);
  assert.deepEqual(published["pinned_to"], ["f"]);
  assert.ok(!JSON.stringify(heard).includes("secret"), "a path has left");
  await writeFile(join(folder, "incoming", "a.tif"), tinyTiff(1));
  const end = await until("the job is done", () => said("job/last").at(-1));
  assert.deepEqual(orders[0]?.noiseReferences, {
    default: { calibration: id, averages: 2, noiseToSignal: 0.2 },
    byChannel: {},
  });
  assert.equal((end["noise"] as { ratio: number }[])[0]?.ratio, 3);
  const warnings = await until("the folder says both", () => {
    const last = said("folder/f/state").at(-1)?.["calibration"] as { warnings: string[] } | undefined;
    return last?.warnings.length === 2 ? last.warnings : undefined;
  });
  assert.match(warnings[0] ?? "", /made with model another 1 .* this folder runs identity/);
  assert.equal(warnings[1], warning);
});

test("a missing, a foreign and a newer calibration are refused at the start, with what to do", async (t) => {
  const folder = await temporaryFolder();
  const file = join(folder, "calibration.json");
  for (const [text, code] of [
    [undefined, "calibration-unreadable"],
    ["{", "calibration-invalid"],
    ["{}", "calibration-invalid"],
    [JSON.stringify({ ...calibrationOf(), schema: 2 }), "calibration-schema"],
  ] as const) {
    if (text !== undefined) await writeFile(file, text);
    await assert.rejects(readCalibration(file), { kind: "usage", code });
  }
  const { engine } = copyingEngine();
  const model = join(repository, "models/identity");
  const folders = [{ name: "f", path: "incoming", output: "denoised", model, calibration: { 0: file } }];
  await assert.rejects(runDaemon(t, folder, engine, { folders }), { code: "calibration-schema" });
});

test("the message of a result fits its schema and stays small, however large the result", () => {
  const [level] = calibrationOf().levels;
  const long = "x".repeat(100_000);
  const verdicts = Array.from({ length: 6 }, () => ({ verdict: "blurs" as const, evidence: long }));
  const large = calibrationOf({
    inputs: [`/lab/${long}`],
    model: { name: long, version: long, sha256: "ab", intensity: "preserved" },
    levels: Array.from({ length: 1000 }, () => ({ ...(level ?? assert.fail()), verdicts })),
  });
  const body = calibrationMessage(large, "/lab/report/calibration.json", { exposePaths: false });
  const message = { v: 1, ts: new Date().toISOString(), boot: id, ...body };
  messageKinds.calibration.schema.parse(message);
  assert.ok(JSON.stringify(message).length < 100_000);
  assert.equal(body.report, "report/calibration.json");
});

test("a result reaches the daemon's own broker, retained; without a broker there is one warning and no failure", async (t) => {
  const broker = await startEmbeddedBroker({ port: 0, ownClientId: "daemon", base: "cnnt-edge/t" });
  t.after(broker.stop);
  const login = async () => ({ username: undefined, password: undefined, ca: undefined });
  const problems: unknown[] = [];
  const say = (url: string, timeoutMs: number) => {
    const stop = () => Promise.resolve();
    const publisher = createCalibrationPublisher(
      { name: url, url, login, embedded: false, stop },
      "t",
      (error) => problems.push(error),
    );
    t.after(publisher.stop);
    const body = calibrationMessage(calibrationOf(), "/lab/calibration.json", { exposePaths: false });
    return publisher.result(body, timeoutMs);
  };
  assert.equal(await say(broker.url, 10_000), `cnnt-edge/t/calibration/${id}`);
  const { client, heard } = await listen(Number(new URL(broker.url).port));
  t.after(() => client.endAsync(true));
  await until("who comes late has it", () => heard.some(({ payload }) => payload["status"] === "done"));
  assert.deepEqual(problems, []);
  assert.equal(await say("mqtt://127.0.0.1:1", 300), undefined);
  assert.equal(problems.length, 1);
});
