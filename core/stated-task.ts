/** What the description of a model states that its network does. */
export interface StatedTask {
  readonly verdict: "denoises" | "something-else" | "does-not-say";
  /** What in the description says so, each with its place: `tags: segmentation`. Empty where nothing does. */
  readonly words: readonly string[];
}
