import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type ErrorReport, isEdgeError } from "../../../core/errors.ts";
import { digestOfFile } from "../../../formats/file/file-digest.ts";
import { digestOfFolder } from "../../../runtime/gpu/digest.ts";
import {
  type InstallRequest,
  installDownloaded,
  installGpuLibraries,
  removeGpuLibraries,
} from "../../../runtime/gpu/install.ts";
import { isLibraryName } from "../../../runtime/gpu/library-source.ts";
import { emptyStagingFolder, placeLibraries } from "../../../runtime/gpu/placement.ts";
import { madeLibrary } from "./made-library.ts";

const scratch = mkdtempSync(join(tmpdir(), "gpu-"));
after(() => rmSync(scratch, { recursive: true }));
const shared = "libonnxruntime_providers_shared.so";
const cuda = "libonnxruntime_providers_cuda.so";
const version = "9.8.7";
const system = { driverVersion: "580.65.06", has: () => true };

let folders = 0;
function freshFolder(): string {
  const folder = join(scratch, String(folders++));
  mkdirSync(folder);
  return folder;
}

/** A folder that holds the libraries of one version. */
function madeSource(written = version): string {
  const folder = freshFolder();
  writeFileSync(join(folder, shared), madeLibrary(["libc.so.6"]));
  writeFileSync(join(folder, cuda), madeLibrary(["libcudart.so.13"], written));
  return folder;
}

/** ONNX Runtime's folder before anything was installed, with an older CUDA library that somebody put there. */
function madeTarget(): string {
  const folder = freshFolder();
  writeFileSync(join(folder, "libonnxruntime.so.1"), "core");
  writeFileSync(join(folder, cuda), "somebody's own");
  return folder;
}

const untouched = { "libonnxruntime.so.1": "core", [cuda]: "somebody's own" };

function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "latin1")]),
  );
}

async function pinned(source: string): Promise<string> {
  return digestOfFolder(source, readdirSync(source).filter(isLibraryName));
}

async function request(source: string, folder: string): Promise<InstallRequest> {
  return {
    source,
    sha256: await pinned(source),
    withTensorRt: false,
    version,
    folder,
    system,
    probe: () => Promise.resolve(undefined),
    say: () => undefined,
    signal: new AbortController().signal,
  };
}

test("what was installed is removed, and what lay there before is back", async () => {
  const source = madeSource();
  const folder = madeTarget();
  const { manifest } = await installGpuLibraries(await request(source, folder));
  assert.ok(manifest.probed);
  assert.deepEqual(readFileSync(join(folder, cuda)), readFileSync(join(source, cuda)));
  assert.deepEqual(readFileSync(join(folder, shared)), readFileSync(join(source, shared)));
  await removeGpuLibraries(folder);
  assert.deepEqual(contents(folder), untouched);
});

test("a provider that does not run leaves everything as it was, and says what is missing", async () => {
  const folder = madeTarget();
  const report: ErrorReport = { kind: "machine", code: "x", message: "libcudart is odd", retryable: false };
  const wanted = {
    ...(await request(madeSource(), folder)),
    system: { driverVersion: undefined, has: (name: string) => name !== "libcudart.so.13" },
    probe: () => Promise.resolve(report),
  };
  await assert.rejects(installGpuLibraries(wanted), (error) => {
    assert.ok(isEdgeError(error, "gpu-probe-failed"));
    assert.equal(error.found, "libcudart is odd");
    assert.match(error.remedy ?? "", /driver 580.*libcudart\.so\.13/);
    return true;
  });
  assert.deepEqual(contents(folder), untouched);
});

test("libraries of another version are refused before they are placed", async () => {
  const folder = madeTarget();
  await assert.rejects(installGpuLibraries(await request(madeSource("9.8.70"), folder)), (error) =>
    isEdgeError(error, "gpu-version-mismatch"),
  );
  assert.deepEqual(contents(folder), untouched);
});

test("bytes that nobody vouched for are refused with their hash, and so are others than those named", async () => {
  const folder = madeTarget();
  const source = madeSource();
  const { sha256, ...unnamed } = await request(source, folder);
  await assert.rejects(installGpuLibraries(unnamed), (error) => {
    assert.ok(isEdgeError(error, "gpu-source-unpinned"));
    assert.equal(error.found, sha256);
    return true;
  });
  await assert.rejects(installGpuLibraries({ ...unnamed, sha256: "0".repeat(64) }), (error) =>
    isEdgeError(error, "gpu-sha256-mismatch"),
  );
  assert.deepEqual(contents(folder), untouched);
});

test("a download with another hash or that is no archive is deleted, one that nobody vouched for yet is kept", async () => {
  const folder = madeTarget();
  const { source: _, sha256: __, ...wanted } = await request(madeSource(), folder);
  const file = join(scratch, "some.gpu.9.8.7.nupkg");
  const cases = [
    ["PK\x03\x04", "0".repeat(64), "gpu-sha256-mismatch", false],
    ["<html>", undefined, "gpu-source-unknown", false],
    ["PK\x03\x04", undefined, "gpu-source-unpinned", true],
  ] as const;
  for (const [content, sha256, code, kept] of cases) {
    const download = (): Promise<string> => {
      writeFileSync(file, content);
      return Promise.resolve(file);
    };
    const pinned = { ...wanted, ...(sha256 === undefined ? {} : { sha256 }) };
    await assert.rejects(installDownloaded(download, pinned), (error) => isEdgeError(error, code));
    assert.equal(existsSync(file), kept, code);
  }
  assert.deepEqual(contents(folder), untouched);
});

test("nothing is downloaded where libraries are installed already", async () => {
  const folder = madeTarget();
  const wanted = await request(madeSource(), folder);
  await installGpuLibraries(wanted);
  const download = (): Promise<string> => assert.fail("it was downloaded");
  await assert.rejects(installDownloaded(download, wanted), (error) =>
    isEdgeError(error, "gpu-already-installed"),
  );
});

test("an interruption while the provider is tried puts everything back", async () => {
  const folder = madeTarget();
  const interrupt = new AbortController();
  const wanted = {
    ...(await request(madeSource(), folder)),
    signal: interrupt.signal,
    probe: () => {
      interrupt.abort();
      return Promise.resolve(undefined);
    },
  };
  await assert.rejects(installGpuLibraries(wanted), { name: "AbortError" });
  assert.deepEqual(contents(folder), untouched);
});

test("a process killed between placing and trying is undone by remove and by the next install", async () => {
  for (const next of ["remove", "install"] as const) {
    const folder = madeTarget();
    const source = madeSource();
    const staging = await emptyStagingFolder(folder);
    for (const name of [shared, cuda]) writeFileSync(join(staging, name), readFileSync(join(source, name)));
    await placeLibraries(folder, [shared, cuda], { version, source: "killed", sourceSha256: "" });
    if (next === "install") await installGpuLibraries(await request(source, folder));
    await removeGpuLibraries(folder);
    assert.deepEqual(contents(folder), untouched, next);
  }
});

test("a second install and the removal of changed libraries are refused", async () => {
  const folder = madeTarget();
  const wanted = await request(madeSource(), folder);
  await installGpuLibraries(wanted);
  await assert.rejects(installGpuLibraries(wanted), (error) => isEdgeError(error, "gpu-already-installed"));
  writeFileSync(join(folder, cuda), "changed");
  await assert.rejects(removeGpuLibraries(folder), (error) => isEdgeError(error, "gpu-library-changed"));
});

test("a source without the CUDA library, and a file that is no archive, are refused", async () => {
  const folder = madeTarget();
  const source = madeSource();
  rmSync(join(source, cuda));
  await assert.rejects(installGpuLibraries(await request(source, folder)), (error) =>
    isEdgeError(error, "gpu-source-lacks-library"),
  );
  const text = join(scratch, "notes.txt");
  for (const content of ["", "x", "not an archive"]) {
    writeFileSync(text, content);
    const wanted = { ...(await request(source, folder)), source: text };
    await assert.rejects(installGpuLibraries(wanted), (error) => isEdgeError(error, "gpu-source-unknown"));
  }
  assert.deepEqual(contents(folder), untouched);
});

const python = process.env["CNNT_EDGE_PYTHON"] ?? "python3";
const archives = {
  "wheel.whl": ["-m", "zipfile", "-c"],
  "release.tgz": ["-m", "tarfile", "-c"],
} as const;
for (const [name, pack] of Object.entries(archives)) {
  const hasPython = spawnSync(python, ["--version"]).status === 0;
  test(`${name} gives the same libraries as the folder in it`, {
    skip: hasPython ? false : "Python, which packs it, is not installed",
  }, async () => {
    const source = madeSource();
    const file = join(scratch, name);
    const packed = spawnSync(python, [...pack, file, "."], { cwd: source, encoding: "utf8" });
    assert.equal(packed.status, 0, packed.stderr);
    const folder = madeTarget();
    await installGpuLibraries({
      ...(await request(source, folder)),
      source: file,
      sha256: await digestOfFile(file),
    });
    for (const library of [shared, cuda]) {
      assert.deepEqual(readFileSync(join(folder, library)), readFileSync(join(source, library)));
    }
  });
}
