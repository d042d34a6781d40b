import { dirname, join } from "node:path";
import { after } from "node:test";
import { type EngineOptions, startEngine } from "../../runtime/engine/host.ts";
import type { Engine } from "../../runtime/job/denoise-job.ts";

const shippedModels = join(import.meta.dirname, "../../models");
const engines = new Map<string, Engine>();

after(() => Promise.all([...engines.values()].map((engine) => engine.stop())));

/**
 * An engine for a command that runs in the tests' own process. One that was started in the same way for an earlier
 * command serves it too, as it serves the daemon's jobs one after the other; it stops with the process's last test.
 * Models that tests make themselves, and may change, are given to an engine of the command's own.
 */
export async function sharedEngine(options: EngineOptions): Promise<Engine> {
  if (options.models.some((model) => dirname(model) !== shippedModels)) return startEngine(options);
  const key = JSON.stringify(options);
  const engine = engines.get(key) ?? startEngine(options);
  engines.set(key, engine);
  const { denoise } = engine;
  const forget = async (error: unknown): Promise<never> => {
    engines.delete(key);
    await engine.stop();
    throw error;
  };
  return { denoise, ready: () => engine.ready().catch(forget), stop: () => Promise.resolve() };
}
