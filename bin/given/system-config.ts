import { existsSync } from "node:fs";

/** Read where neither `--config` nor a flag that changes the configuration is given. */
export const systemConfig = "/etc/cnnt-edge/config.yaml";

export interface ConfigChoice {
  /** undefined: the defaults. */
  readonly file: string | undefined;
  /** Said to the person, in a sentence: the system's configuration is there and is not used. */
  readonly note?: string;
}

/**
 * Which file is read. Flags are never laid over the system's configuration unless somebody says so: who tries
 * `--in FOLDER` on a machine with a service would write into the service's output and its ledger.
 */
export function chooseConfig(
  named: string | undefined,
  givenFlags: readonly string[],
  system: { readonly file: string; readonly exists: boolean } = {
    file: systemConfig,
    exists: existsSync(systemConfig),
  },
): ConfigChoice {
  if (named !== undefined) return { file: named };
  if (!system.exists) return { file: undefined };
  const [flag] = givenFlags;
  if (flag === undefined) return { file: system.file };
  return {
    file: undefined,
    note: `${system.file} is not used, because ${flag} is given; add --config ${system.file} to use it with your flags`,
  };
}
