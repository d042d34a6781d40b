import { z } from "zod";
import type { StatedTask } from "../../../core/package-settings.ts";

/**
 * Judges by a bioimage.io description (format 0.4 or 0.5, as parsed from the YAML) whether its network denoises. What the
 * output is called counts most, then the tags, then the model's name, then its description. A source that says both
 * is passed over. Fields of another form than the format's say nothing here; who reads the model refuses them. Pure.
 * Sources: bioimage-io/spec-bioimage-io; the descriptions in bioimage-io/collection-bioimage-io; the tags that CAREamics
 * writes.
 */
export function judgeTask(stated: unknown): StatedTask {
  const { name, description, tags, outputs } = statementSchema.parse(stated);
  const [output] = outputs;
  const classes = output === undefined ? [] : classValues(output);
  // An image is not one of a few values, whatever else is said of it.
  if (classes.length > 0) return { verdict: "something-else", words: classes };
  const names = output === undefined ? [] : namesOf(output);
  const ofOutput = said("outputs.0.description", output?.description ?? "");
  const ranks: readonly (readonly Said[])[] = [
    [...names.map(({ at, text }) => said(at, text)), ...onlyFor(ofOutput)],
    tags.map((text) => ({ at: "tags", text, says: sidesOfTag(text) })),
    [said("name", name), ofOutput],
    onlyFor(said("description", description)),
  ];
  for (const rank of ranks) {
    const telling = rank.filter(({ says }) => says.length > 0);
    const [verdict, contrary] = new Set(telling.flatMap(({ says }) => says));
    if (verdict === undefined || contrary !== undefined) continue;
    const words = new Set(telling.map(({ at, text }) => wordsOf(at, text)));
    return { verdict, words: [...words].slice(0, mostWords) };
  }
  const saysNothing = ranks.every((rank) => rank.every(({ says }) => says.length === 0));
  const sigmoid = output?.postprocessing.some(({ name: operator, id }) => (id || operator) === "sigmoid");
  // Values between 0 and 1 with no way back to intensities are what probabilities are.
  return saysNothing && sigmoid === true
    ? { verdict: "something-else", words: [wordsOf("outputs.0.postprocessing", "sigmoid")] }
    : { verdict: "does-not-say", words: [] };
}

function said(at: string, text: string): Said {
  return { at, text, says: sidesOf(text) };
}

/** Free text names other tasks in passing ("restores images for their segmentation"), and so speaks only for denoising. */
function onlyFor(one: Said): Said[] {
  return one.says.includes("something-else") ? [] : [one];
}

type Side = Exclude<StatedTask["verdict"], "does-not-say">;

interface Text {
  /** Where in the description. */
  readonly at: string;
  readonly text: string;
}

interface Said extends Text {
  readonly says: readonly Side[];
}

const text = z.string().catch("");
const operator = z.object({ name: text, id: text }).catch({ name: "", id: "" });
const outputSchema = z
  .object({
    name: text,
    id: text,
    description: text,
    data_type: text,
    data: z.unknown().optional(),
    axes: z.array(z.unknown()).catch([]),
    postprocessing: z.array(operator).catch([]),
  })
  .catch({ name: "", id: "", description: "", data_type: "", data: undefined, axes: [], postprocessing: [] });
const statementSchema = z
  .object({
    name: text,
    description: text,
    tags: z.array(text).catch([]),
    outputs: z.array(outputSchema).catch([]),
  })
  .catch({ name: "", description: "", tags: [], outputs: [] });
type Output = z.infer<typeof outputSchema>;

const channelAxis = z.object({ channel_names: z.array(z.string()) });
const nominal = z.object({ values: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1) });
const truthValues = z.object({ type: z.literal("bool") });

/** Where the output is said to be one of a list of values, or true or false. */
function classValues({ data_type: type, data }: Output): string[] {
  if (type === "bool") return [wordsOf("outputs.0.data_type", type)];
  for (const one of Array.isArray(data) ? data : [data]) {
    const listed = nominal.safeParse(one);
    if (listed.success) return [wordsOf("outputs.0.data.values", listed.data.values.slice(0, 5).join(", "))];
    if (truthValues.safeParse(one).success) return [wordsOf("outputs.0.data.type", "bool")];
  }
  return [];
}

function namesOf({ name, id, axes }: Output): Text[] {
  const channels = axes.flatMap((axis, index) => {
    const named = channelAxis.safeParse(axis);
    const at = `outputs.0.axes.${index}.channel_names`;
    return named.success ? named.data.channel_names.map((channel) => ({ at, text: channel })) : [];
  });
  return [{ at: "outputs.0.name", text: name }, { at: "outputs.0.id", text: id }, ...channels];
}

const denoising = /de-?nois/i;

/** Of names and free text, singular or plural. */
const classWord =
  /^(probabilit(y|ies)|masks?|boundar(y|ies)|foregrounds?|labels|classes|classification|affinit(y|ies)|segmentations?)$/;

function sidesOf(stated: string): Side[] {
  // `cellMask_1` has the words cell and mask.
  const words =
    stated
      .replace(/([a-z])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .match(/[a-z]+/g) ?? [];
  return [
    ...(denoising.test(stated) ? (["denoises"] as const) : []),
    ...(words.some((word) => classWord.test(word)) ? (["something-else"] as const) : []),
  ];
}

/**
 * Tags of methods that do nothing but denoise or restore. `restoration` by itself says too little: super-resolution networks
 * of the zoo carry it, too.
 */
const denoisingTag =
  /^(((struct|p)?n2v2?)|(struct|probabilistic)?noise2void2?|noise2noise|n2n|noise2self|n2s|care|cnnt)$/;
/** Whole tags, since `super-resolution-microscopy` and `label-free` name a microscope and a sample. */
const otherTag =
  /(^|-)(segmentation|detection|classification)$|^(affinity-prediction|super-resolution|upsampling|virtual-staining|stardist|cellpose)$/;

function sidesOfTag(stated: string): Side[] {
  const tag = stated
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, "-");
  const method = tag.replaceAll("-", "");
  return [
    ...(denoising.test(tag) || denoisingTag.test(method) ? (["denoises"] as const) : []),
    ...(otherTag.test(tag) ? (["something-else"] as const) : []),
  ];
}

/** A description may hold a megabyte of text in any place, and thousands of tags. */
const longestWords = 80;
const mostWords = 6;

function wordsOf(at: string, stated: string): string {
  return `${at}: ${stated.length > longestWords ? `${stated.slice(0, longestWords)}…` : stated}`;
}
