import type { ErrorReport } from "../../core/errors.ts";
import type { ProviderName } from "../machine/providers.ts";
import type { RunnableModel } from "./runnable-model.ts";

/** Between the engine's main thread and the worker thread that owns the sessions. Every request has an answer. */
export type WorkerRequest = { readonly id: number } & (
  | { readonly kind: "load"; readonly model: RunnableModel }
  | { readonly kind: "release"; readonly modelFile: string }
  | {
      readonly kind: "run";
      readonly model: RunnableModel;
      /** Of the input; and that which the output must have. */
      readonly shape: readonly number[];
      readonly outputShape?: readonly number[];
      /** Shared by both threads where `output` is; moved to the worker where the output's shape is not known. */
      readonly input: Float32Array<SharedArrayBuffer> | Float32Array<ArrayBuffer>;
      readonly output?: Float32Array<SharedArrayBuffer>;
    }
  | { readonly kind: "close" }
);

export type WorkerReply = { readonly id: number } & (
  | { readonly ok: true }
  | {
      readonly ok: true;
      /** Moved; absent where the request brought an array for it. */
      readonly output?: Float32Array<ArrayBuffer>;
      readonly outputShape: readonly number[];
      readonly seconds: number;
    }
  | { readonly ok: false; readonly error: ErrorReport }
);

/** What the worker is started with. */
export interface WorkerSettings {
  readonly provider: ProviderName;
  readonly intraOpThreads: number;
}
