/** A count and its noun as a sentence needs them: "1 tile", "2 tiles". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
