import { Option } from "commander";
import { providerNames } from "../../runtime/machine/providers.ts";

/** `--provider`: only that one. `otherwise`: what is used where it is not given. */
export function providerOption(otherwise = "cuda, otherwise cpu"): Option {
  const description = `use only this provider; fail if it is unavailable (default: ${otherwise})`;
  return new Option("--provider <name>", description).choices([...providerNames]);
}
