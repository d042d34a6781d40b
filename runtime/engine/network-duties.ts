import type { ProviderName } from "../machine/providers.ts";
import type { RunnableModel } from "./runnable-model.ts";

/** What the thread that owns the sessions does, one after the other. */
export interface NetworkDuties {
  readonly load: { readonly ask: RunnableModel; readonly answer: undefined };
  /** The model of this file is not held any more. */
  readonly release: { readonly ask: string; readonly answer: undefined };
  readonly run: { readonly ask: RunRequest; readonly answer: RunAnswer };
  /** Releases all. */
  readonly close: { readonly ask: undefined; readonly answer: undefined };
}

export interface RunRequest {
  readonly model: RunnableModel;
  /** Of the input; and that which the output must have. */
  readonly shape: readonly number[];
  readonly outputShape?: readonly number[];
  /** Shared by both threads where `output` is; moved to the worker where the output's shape is not known. */
  readonly input: Float32Array<SharedArrayBuffer> | Float32Array<ArrayBuffer>;
  readonly output?: Float32Array<SharedArrayBuffer>;
}

export interface RunAnswer {
  /** Moved; absent where the request brought an array for it. */
  readonly output?: Float32Array<ArrayBuffer>;
  readonly outputShape: readonly number[];
  /** Inside the runtime's run call. */
  readonly seconds: number;
}

/** What the thread is started with. */
export interface NetworkSettings {
  readonly provider: ProviderName;
  readonly intraOpThreads: number;
}
