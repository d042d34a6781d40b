import type { TestContext } from "node:test";

/** Root may read everything: gives its rights up until the test has ended. Users without them have nothing to give. */
export function withoutRoot(t: TestContext): void {
  if (process.geteuid?.() !== 0) return;
  const nobody = 65_534;
  process.seteuid?.(nobody);
  t.after(() => process.seteuid?.(0));
}
