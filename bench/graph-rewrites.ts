// What each way of writing the graph costs in ONNX Runtime on this machine's CPU: every variant is the shipped graph
// with one thing written otherwise, all timed side by side in turns, and compared with the shipped graph's output.
// usage: npm run bench:rewrites -- WEIGHTS CONFIG [DEPTH,HEIGHT,WIDTH] [ROUNDS] [OTHER.onnx]
// OTHER.onnx: the same network from another exporter (bench/peers/torch-onnx.py), input "image", output "output".
import { readFileSync } from "node:fs";
import { median } from "../core/median.ts";
import { loadNetwork } from "../export/cnnt/network.ts";
import { cnntGraph, inputName, outputName } from "../export/onnx/cnnt-graph.ts";
import { encodeModel, type GraphNode, type Initializer, type OnnxModel } from "../export/onnx/messages.ts";
import { openCheckpoint } from "../export/torch/checkpoint.ts";
import { InferenceSession, Tensor } from "../runtime/engine/onnx-runtime.ts";
import { architectureOf } from "../test/export/cnnt-fixtures.ts";

const [weights = "", config = "", shapeText = "8,256,256", roundsText = "3", other] = process.argv.slice(2);
const [depth = 8, height = 256, width = 256] = shapeText.split(",").map(Number);
const checkpoint = await openCheckpoint(weights);
const network = await loadNetwork(checkpoint, await architectureOf(config));
await checkpoint.close();
const shipped = cnntGraph(network, { precision: "fp32", producerVersion: "bench" });

const variants: Readonly<Record<string, OnnxModel>> = {
  "as shipped": shipped,
  "query, key, value as three convolutions": separateProjections(shipped),
  "keys with their mean (batch norm)": keysWithMean(shipped),
  "halving by Resize instead of AveragePool": halvingByResize(shipped),
  "doubling by ConvTranspose (depthwise)": doublingByDepthwise(shipped),
  "GELU as com.microsoft.Gelu": contribGelu(shipped),
  "GELU as opset 20 Gelu": standardGelu(shipped),
  "instance norm from ReduceMean": writtenOutNorm(shipped),
};

const data = Float32Array.from(
  { length: depth * height * width },
  (_, i) => 0.5 + 0.5 * Math.sin(i * 0.37) * Math.cos(i * 0.011),
);
const image = { [inputName]: new Tensor("float32", data, [1, depth, 1, height, width]) };
const sessions = new Map<string, InferenceSession>();
const files = Object.entries(variants).map(
  ([name, model]) => [name, Buffer.concat(encodeModel(model))] as const,
);
if (other !== undefined) files.push(["from torch.onnx", readFileSync(other)]);
for (const [name, bytes] of files) {
  sessions.set(
    name,
    await InferenceSession.create(bytes, {
      executionProviders: ["cpu"],
      intraOpNumThreads: 2,
      interOpNumThreads: 1,
      // Rewritten graphs leave constants without users; that is worth no warning.
      logSeverityLevel: 3,
    }),
  );
}
const times = new Map<string, number[]>();
const outputs = new Map<string, Float32Array>();
for (let round = -1; round < Number(roundsText); round += 1) {
  for (const [name, session] of sessions) {
    const started = performance.now();
    const result = await session.run(image);
    if (round >= 0) times.set(name, [...(times.get(name) ?? []), performance.now() - started]);
    outputs.set(name, result[outputName]?.data as Float32Array);
  }
}
const reference = outputs.get("as shipped") ?? new Float32Array();
const shippedMs = median(times.get("as shipped") ?? []);
console.log(`tile ${depth} x ${height} x ${width}, ${roundsText} rounds in turns, 2 threads`);
console.log("| graph | median ms | against shipped | largest difference |\n|---|---:|---:|---:|");
for (const name of sessions.keys()) {
  const ms = median(times.get(name) ?? []);
  const output = outputs.get(name) ?? new Float32Array();
  const difference = output.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (reference[i] ?? 0))),
    0,
  );
  console.log(
    `| ${name} | ${ms.toFixed(0)} | ${(ms / shippedMs).toFixed(2)} | ${difference.toExponential(1)} |`,
  );
}

function replaceNodes(
  model: OnnxModel,
  rewrite: (node: GraphNode) => readonly GraphNode[],
  more: readonly Initializer[] = [],
): OnnxModel {
  return { ...model, nodes: model.nodes.flatMap(rewrite), initializers: [...model.initializers, ...more] };
}

function floats(name: string, shape: readonly number[], values: readonly number[]): Initializer {
  return { name, type: "float32", shape, bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

function integers(name: string, values: readonly number[]): Initializer {
  return {
    name,
    type: "int64",
    shape: [values.length],
    bytes: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
  };
}

function node(
  opType: string,
  name: string,
  inputs: readonly string[],
  attributes: GraphNode["attributes"] = {},
): GraphNode {
  return { opType, name, inputs, outputs: [name], attributes };
}

/** The joined convolution cut into its thirds again, and joined after it. */
function separateProjections(model: OnnxModel): OnnxModel {
  const more: Initializer[] = [];
  const rewritten = replaceNodes(model, (old) => {
    if (!old.name.endsWith(".query_key_value")) return [old];
    const [x = "", weight = "", bias = ""] = old.inputs;
    const thirds = [0, 1, 2].map((third) => {
      const inputs = [weight, bias].map((name) => {
        const whole = model.initializers.find((tensor) => tensor.name === name);
        const bytes = whole?.bytes ?? new Uint8Array();
        const [rows = 0, ...rest] = whole?.shape ?? [];
        const part = bytes.slice((third * bytes.length) / 3, ((third + 1) * bytes.length) / 3);
        more.push({ name: `${name}.${third}`, type: "float32", shape: [rows / 3, ...rest], bytes: part });
        return `${name}.${third}`;
      });
      return node("Conv", `${old.name}/${third}`, [x, ...inputs], old.attributes);
    });
    const joined = node(
      "Concat",
      old.name,
      thirds.map(({ name }) => name),
      { axis: { kind: "int", value: 1 } },
    );
    return [...thirds, joined];
  });
  return { ...rewritten, initializers: [...rewritten.initializers, ...more] };
}

/** Less exact: see `fromMeanOfFrames`. */
function keysWithMean(model: OnnxModel): OnnxModel {
  return replaceNodes(model, (old) => {
    if (/key_(mean|centred)$/.test(old.name)) return [];
    if (!old.name.endsWith("/key_transposed")) return [old];
    return [{ ...old, inputs: old.inputs.map((input) => input.replace(/key_centred$/, "key")) }];
  });
}

function halvingByResize(model: OnnxModel): OnnxModel {
  return replaceNodes(
    model,
    (old) =>
      old.opType === "AveragePool"
        ? [
            node("Resize", old.name, [old.inputs[0] ?? "", "", "/half_scales"], {
              mode: { kind: "string", value: "linear" },
              coordinate_transformation_mode: { kind: "string", value: "half_pixel" },
            }),
          ]
        : [old],
    [floats("/half_scales", [4], [1, 1, 0.5, 0.5])],
  );
}

/** Edge padding by one, then a 4 x 4 depthwise transposed convolution with weights 1/4, 3/4, 3/4, 1/4, cropped. */
function doublingByDepthwise(model: OnnxModel): OnnxModel {
  const kernel = [0.25, 0.75, 0.75, 0.25];
  const more: Initializer[] = [integers("/edge_pads", [0, 0, 1, 1, 0, 0, 1, 1])];
  const rewritten = replaceNodes(model, (old) => {
    if (old.opType !== "Resize") return [old];
    const set = old.name.split("/")[2] ?? "";
    const bias = model.initializers.find(({ name }) => name === `cnnt.${set}.input_proj.conv2d.bias`);
    const channels = bias?.shape[0] ?? 0;
    more.push(
      floats(
        `${old.name}/kernel`,
        [channels, 1, 4, 4],
        Array.from({ length: channels }, () => kernel.flatMap((a) => kernel.map((b) => a * b))).flat(),
      ),
    );
    const padded = node("Pad", `${old.name}/padded`, [old.inputs[0] ?? "", "/edge_pads"], {
      mode: { kind: "string", value: "edge" },
    });
    return [
      padded,
      node("ConvTranspose", old.name, [padded.name, `${old.name}/kernel`], {
        group: { kind: "int", value: channels },
        kernel_shape: { kind: "ints", value: [4, 4] },
        strides: { kind: "ints", value: [2, 2] },
        pads: { kind: "ints", value: [3, 3, 3, 3] },
      }),
    ];
  });
  return { ...rewritten, initializers: [...rewritten.initializers, ...more] };
}

/** The five nodes of a written-out GELU, ending in one with the mixer's own name, become one. */
function oneNodeGelu(model: OnnxModel, gelu: (name: string, x: string) => GraphNode): OnnxModel {
  return replaceNodes(model, (old) => {
    const match = /^(\/.*\/mlp\.1)(\/.+)?$/.exec(old.name);
    if (match === null) return [old];
    if (match[2] !== "/scaled") return [];
    return [gelu(match[1] ?? "", old.inputs[0] ?? "")];
  });
}

function contribGelu(model: OnnxModel): OnnxModel {
  return oneNodeGelu(model, (name, x) => ({ ...node("Gelu", name, [x]), domain: "com.microsoft" }));
}

/** Opset 20; since 18, ReduceMean has its axes as an input. */
function standardGelu(model: OnnxModel): OnnxModel {
  const rewritten = replaceNodes(
    oneNodeGelu(model, (name, x) => node("Gelu", name, [x])),
    (old) =>
      old.opType === "ReduceMean" ? [node("ReduceMean", old.name, [...old.inputs, "/frames_axis"])] : [old],
    [integers("/frames_axis", [2])],
  );
  return { ...rewritten, opset: 20 };
}

function writtenOutNorm(model: OnnxModel): OnnxModel {
  const axes = { axes: { kind: "ints", value: [2, 3] } } as const;
  return replaceNodes(
    model,
    (old) => {
      if (old.opType !== "InstanceNormalization") return [old];
      const { name } = old;
      const x = old.inputs[0] ?? "";
      return [
        node("ReduceMean", `${name}/mean`, [x], axes),
        node("Sub", `${name}/centred`, [x, `${name}/mean`]),
        node("Mul", `${name}/squared`, [`${name}/centred`, `${name}/centred`]),
        node("ReduceMean", `${name}/variance`, [`${name}/squared`], axes),
        node("Add", `${name}/guarded`, [`${name}/variance`, "/epsilon"]),
        node("Sqrt", `${name}/deviation`, [`${name}/guarded`]),
        node("Div", name, [`${name}/centred`, `${name}/deviation`]),
      ];
    },
    [floats("/epsilon", [], [1e-5])],
  );
}
