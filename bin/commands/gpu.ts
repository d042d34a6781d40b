import { join } from "node:path";
import type { Command } from "commander";
import { usageError, visible } from "../../core/errors.ts";
import { present } from "../../core/record.ts";
import { type CommandIo, type DefineCommand, exitCodes } from "../command/command.ts";
import { shippedModel } from "../options/option-values.ts";

interface InstallOptions {
  readonly from?: string;
  readonly sha256?: string;
  readonly tensorrt?: true;
  readonly probe: boolean;
}

export const defineGpu: DefineCommand = (program, io, act) => {
  const gpu = program
    .command("gpu")
    .summary("provider libraries for an NVIDIA GPU")
    .description(
      "Installs ONNX Runtime's CUDA provider library, shows what is installed, and removes it again.",
    );
  defineInstall(gpu, io, act);
  gpu
    .command("status")
    .description(
      "what is installed and what this machine lacks; exits with 1 if something is missing. Loads nothing",
    )
    .action(() => act(() => showStatus(io)));
  gpu
    .command("remove")
    .description("undoes `gpu install`: removes what it placed and puts back what was there")
    .action(() =>
      act(async () => {
        const { removeGpuLibraries } = await import("../../runtime/gpu/install.ts");
        const { runtimeLibraryFolder } = await import("../../runtime/engine/choose-provider.ts");
        const removed = await removeGpuLibraries(runtimeLibraryFolder());
        const names = removed?.files.map(({ name }) => name).join(", ");
        io.stdout.write(names === undefined ? "nothing is installed\n" : `removed ${names}\n`);
        return exitCodes.done;
      }),
    );
};

function defineInstall(gpu: Command, io: CommandIo, act: Parameters<DefineCommand>[2]): void {
  gpu
    .command("install")
    .description(
      "Downloads ONNX Runtime's GPU package, or takes the one named. Checks the archive's SHA-256 and that its libraries are of exactly the binding's version, places them, and runs " +
        "a model on the CUDA provider in its own process. If that fails, everything is put back.",
    )
    .option(
      "--from <path>",
      "downloads nothing: onnxruntime_gpu wheel, nupkg, release tgz, or a folder with the libraries",
    )
    .option("--sha256 <hex>", "SHA-256 of the archive; needed for one that is not known here")
    .option("--tensorrt", "also the TensorRT provider (not verified on a GPU)")
    .option(
      "--no-probe",
      "install without running a test model, for images that are built on a machine without a GPU",
    )
    .action((options: InstallOptions) => act(() => install(options, io)));
}

async function install(options: InstallOptions, io: CommandIo): Promise<number> {
  const { onnxRuntimeVersion } = await import("../../runtime/machine/product-version.ts");
  const version = onnxRuntimeVersion();
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw usageError("there are provider libraries for linux-x64 only", {
      code: "gpu-platform-unsupported",
      found: `${process.platform}-${process.arch}`,
    });
  }
  const { installDownloaded, installGpuLibraries } = await import("../../runtime/gpu/install.ts");
  const { systemLibraries } = await import("../../runtime/gpu/linkage.ts");
  const { runtimeLibraryFolder, whyNot } = await import("../../runtime/engine/choose-provider.ts");
  const wanted = {
    ...present({ sha256: options.sha256 }),
    withTensorRt: options.tensorrt === true,
    version,
    folder: runtimeLibraryFolder(),
    system: await systemLibraries(),
    probe: options.probe ? () => whyNot("cuda", shippedModel) : undefined,
    say: (line: string) => void io.stderr.write(`${visible(line)}\n`),
    signal: io.signal,
  };
  const { manifest, problems } = await (options.from === undefined
    ? installDownloaded(() => download(version, io), wanted)
    : installGpuLibraries({ ...wanted, source: options.from }));
  const state = manifest.probed
    ? "installed; the CUDA provider ran a model"
    : "installed, not tried (--no-probe)";
  io.stdout.write(`${state}\n`);
  for (const { what, remedy } of problems) io.stdout.write(`lacks   ${what}\n        ${remedy}\n`);
  return exitCodes.done;
}

/** Brings the package into the cache folder, from where onnxruntime-node says that it lies. */
async function download(version: string, io: CommandIo): Promise<string> {
  const { gpuPackageAddress } = await import("../../runtime/gpu/package-address.ts");
  const { cacheFolder } = await import("../../runtime/machine/cache-folder.ts");
  const { downloadPackage, usualLimits } = await import("../../runtime/gpu/download-package.ts");
  const { createWorkLine } = await import("../words/progress.ts");
  const address = gpuPackageAddress(version);
  io.stderr.write(`${visible(`${address.name} ${version} from ${address.index}`)}\n`);
  const line = createWorkLine("downloading", io.stderr);
  try {
    return await downloadPackage({
      address,
      folder: join(cacheFolder(process.env), "gpu"),
      limits: usualLimits,
      onProgress: ({ bytes, totalBytes, bytesPerS }) =>
        line.show({
          doing: `${(bytes / 1e6).toFixed(0)} MB at ${(bytesPerS / 1e6).toFixed(1)} MB/s`,
          done: bytes,
          total: totalBytes ?? 0,
        }),
      signal: io.signal,
    });
  } finally {
    line.end();
  }
}

async function showStatus(io: CommandIo): Promise<number> {
  const { changedLibraries, readManifest } = await import("../../runtime/gpu/placement.ts");
  const { linkageProblems, systemLibraries } = await import("../../runtime/gpu/linkage.ts");
  const { onnxRuntimeVersion } = await import("../../runtime/machine/product-version.ts");
  const { runtimeLibraryFolder } = await import("../../runtime/engine/choose-provider.ts");
  const folder = runtimeLibraryFolder();
  const manifest = await readManifest(folder);
  if (manifest === undefined) {
    io.stdout.write(`lacks   provider libraries of ONNX Runtime ${onnxRuntimeVersion()}\n`);
    io.stdout.write("        Run `cnnt-edge gpu install`\n");
    return exitCodes.failed;
  }
  if (manifest.state === "placing") {
    io.stdout.write(
      "lacks   an installation was cut off\n        Run `cnnt-edge gpu remove`, then install again\n",
    );
    return exitCodes.failed;
  }
  const tried = manifest.probed ? "ran a model when installed" : "not tried when installed";
  for (const { name } of manifest.files) io.stdout.write(`ok      ${name}\n`);
  io.stdout.write(`ok      from ${visible(manifest.source)}, ONNX Runtime ${manifest.version}, ${tried}\n`);
  const changed = await changedLibraries(folder, manifest);
  const problems = [
    ...changed.map((name) => ({
      what: `${name} is not the one installed`,
      remedy: "Run `npm ci`, then install again",
    })),
    ...(await linkageProblems(
      folder,
      manifest.files.map(({ name }) => name).filter((name) => !changed.includes(name)),
      await systemLibraries(),
    )),
  ];
  for (const { what, remedy } of problems) io.stdout.write(`lacks   ${what}\n        ${remedy}\n`);
  return problems.length === 0 ? exitCodes.done : exitCodes.failed;
}
