import type { ProviderName } from "../machine/providers.ts";
import type { RunnableModel } from "./runnable-model.ts";

/** What the thread that owns the sessions does, one after the other. */
export interface NetworkDuties {
  readonly load: { readonly ask: RunnableModel; readonly answer: undefined };
  /** The model of this file is not held any more. */
  readonly release: { readonly ask: string; readonly answer: undefined };
  /** Answers the seconds inside the runtime's run call. */
  readonly run: { readonly ask: RunRequest; readonly answer: number };
  /** Releases all. */
  readonly close: { readonly ask: undefined; readonly answer: undefined };
}

export interface RunRequest {
  readonly model: RunnableModel;
  /** Of the input; and that which the output must have. */
  readonly shape: readonly number[];
  readonly outputShape?: readonly number[];
  /** Shared by both threads where `output` is, and copied otherwise. */
  readonly input: Float32Array;
  /** Absent where nobody looks at what comes out. */
  readonly output?: Float32Array<SharedArrayBuffer>;
}

/** What the thread is started with. */
export interface NetworkSettings {
  readonly provider: ProviderName;
  readonly intraOpThreads: number;
}
