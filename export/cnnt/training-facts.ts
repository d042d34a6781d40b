/**
 * What of training's options is carried on in a package: how the network is built, how images were scaled and cut, how
 * it was trained. Packages are passed on, and among the other options are paths, file names, notes and accounts.
 */
export type TrainingFacts = Readonly<Record<string, unknown>>;

/** Numbers, switches and lists of them. */
const ofNumbers = [
  ..."blocks blocks_per_set n_head kernel_size stride padding dropout_p with_mixer no_residual".split(" "),
  ..."use_conv_3D height width time time_scale per_scaling im_value_scale valu_thres area_thres".split(" "),
  ..."loss_weights global_lr weight_decay beta1 beta2 no_w_decay clip_grad_norm skip_LSUV".split(" "),
  ..."num_epochs batch_size ratio fine_samples train_only seed".split(" "),
];
/** Names of a method, and lists of them. */
const ofWords = ["norm_mode", "loss", "optim", "scheduler"];

const longestList = 16;
/** No separator of paths, no @ of an address. */
const word = /^\w{1,40}$/;

/** The entries that are on the list and have a value of the kind that belongs there. */
export function describing(entries: Readonly<Record<string, unknown>>): TrainingFacts {
  const isNumber = (value: unknown): boolean => typeof value === "number" || typeof value === "boolean";
  const isWord = (value: unknown): boolean => typeof value === "string" && word.test(value);
  return Object.fromEntries(
    Object.entries(entries).filter(([key, value]) => {
      if (ofNumbers.includes(key)) return isOneOrSome(value, isNumber);
      return ofWords.includes(key) && isOneOrSome(value, isWord);
    }),
  );
}

function isOneOrSome(value: unknown, test: (item: unknown) => boolean): boolean {
  return Array.isArray(value) ? value.length <= longestList && value.every(test) : test(value);
}
