const mostCharacters = 400;

/**
 * What the ONNX Runtime says went wrong, without the places in its sources: one line of at most 400 characters. Pure.
 * `/onnxruntime_src/…/webgpu_context.cc:136 onnxruntime::…::<lambda()> a == b was false. No adapter` → `No adapter`
 */
export function plainRuntimeError(message: string): string {
  const line = message.replace(/\s+/g, " ").trim();
  const plain = line.replace(/\S*\/onnxruntime\/\S+:\d+ .*? was false\. /g, "");
  return (plain === "" ? line : plain).slice(0, mostCharacters);
}
