/**
 * `npm run bundle -- [--out DIR] [--gpu-from FILE [--sha256 HEX]] [--node-license FILE]`: one archive with which
 * cnnt-edge runs on a machine without network and without Node (docs/offline.md).
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { describeError, machineError, usageError } from "../core/errors.ts";
import { present } from "../core/record.ts";
import { runtimeLibraryFolder } from "../runtime/engine/choose-provider.ts";
import { digestOfFile } from "../runtime/gpu/digest.ts";
import { installGpuLibraries } from "../runtime/gpu/install.ts";
import { systemLibraries } from "../runtime/gpu/linkage.ts";
import { readManifest } from "../runtime/gpu/placement.ts";
import { onnxRuntimeVersion, productVersion } from "../runtime/machine/product-version.ts";
import { makeOutFolder, stageBundle, writeContents } from "./stage.ts";

const root = resolve(import.meta.dirname, "..");
const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interrupt.abort());

try {
  await makeBundle();
} catch (error) {
  process.stderr.write(interrupt.signal.aborted ? "interrupted\n" : `bundle: ${describeError(error)}\n`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}

async function makeBundle(): Promise<void> {
  const options = readOptions();
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw usageError("an archive must be made on the platform on which it will run, which is linux-x64", {
      code: "bundle-platform",
      found: `${process.platform}-${process.arch}`,
      remedy: "Run it on a Linux machine like the workstation",
    });
  }
  const out = resolve(options.out);
  await makeOutFolder(out);
  const scratch = await mkdtemp(join(out, ".bundle-"));
  try {
    const name = `cnnt-edge-${productVersion}-${process.platform}-${process.arch}`;
    const target = join(scratch, name);
    await mkdir(target);
    say("copying Node, the product and its packages");
    await stageBundle({ root, target, ...present({ nodeLicence: options.nodeLicence }) });
    const libraries = join(target, "app", relative(root, runtimeLibraryFolder()));
    if (options.gpuFrom !== undefined) await addProviders(options.gpuFrom, options.sha256, libraries);
    const providers = await readManifest(libraries);
    say(providers === undefined ? "without GPU providers" : `with GPU providers of ${providers.source}`);
    say(`${await writeContents(target)} files; packing`);
    interrupt.signal.throwIfAborted();
    await pack(scratch, name);
    await publish(join(scratch, `${name}.tar.gz`), join(out, `${name}.tar.gz`));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "." },
      "gpu-from": { type: "string" },
      sha256: { type: "string" },
      "node-license": { type: "string" },
    },
  });
  return {
    out: values.out,
    gpuFrom: values["gpu-from"],
    sha256: values.sha256,
    nodeLicence: values["node-license"],
  };
}

/** Placed without a try: the machine that packs need not have a GPU. */
async function addProviders(source: string, sha256: string | undefined, folder: string): Promise<void> {
  await installGpuLibraries({
    source: resolve(source),
    ...present({ sha256 }),
    withTensorRt: true,
    version: onnxRuntimeVersion(),
    folder,
    system: await systemLibraries(),
    probe: undefined,
    say,
    signal: interrupt.signal,
  });
}

/** The same files give the same bytes: sorted, no owner, no times, no name and time in gzip's header. */
async function pack(folder: string, name: string): Promise<void> {
  const owner = ["--owner=0", "--group=0", "--numeric-owner", "--mode=u+rw,go=rX"];
  const child = spawn(
    "tar",
    ["--sort=name", "--mtime=@0", ...owner, "-I", "gzip -n", "-cf", `${name}.tar.gz`, name],
    { cwd: folder, stdio: ["ignore", "ignore", "inherit"], signal: interrupt.signal },
  );
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return;
  throw machineError("tar could not write the archive", {
    code: "bundle-tar",
    found: `exit code ${code}`,
    remedy: "Make room on the disk, or name another folder with --out",
  });
}

async function publish(packed: string, archive: string): Promise<void> {
  const digest = await digestOfFile(packed);
  await rename(packed, archive);
  await writeFile(`${archive}.sha256`, `${digest}  ${basename(archive)}\n`);
  say(`${archive}: ${((await stat(archive)).size / 1e6).toFixed(0)} MB, SHA-256 ${digest}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
