/** ONNX Runtime execution providers that the Linux binding lists. */
export const providerNames = ["cpu", "cuda", "tensorrt", "webgpu"] as const;
export type ProviderName = (typeof providerNames)[number];

/**
 * What is tried, in this order, where nobody says otherwise. TensorRT and WebGPU are tried only when asked for: the
 * one builds an engine for minutes at each start, the other is experimental in this binding.
 */
export const defaultProviders: readonly ProviderName[] = ["cuda", "cpu"];
