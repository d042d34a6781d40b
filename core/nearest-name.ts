/** A slip of the finger changes this many letters at most, and no more than a third of a short name. */
const mostChanges = 2;
const lettersPerChange = 3;

/** The name of `known` that somebody who wrote `name` may have meant; undefined where none is near. Pure. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  return slipOf(name, known) ?? known.find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}_`));
}

function slipOf(name: string, known: readonly string[]): string | undefined {
  const most = Math.min(mostChanges, Math.floor(name.length / lettersPerChange));
  const [nearest] = known
    .map((one) => ({ one, changes: changesBetween(name.toLowerCase(), one.toLowerCase()) }))
    .filter(({ one, changes }) => one !== name && changes <= most)
    .sort((a, b) => a.changes - b.changes);
  return nearest?.one;
}

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment distance). */
function changesBetween(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    const above = rows[row - 1] ?? [];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      let least = Math.min(
        (above[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        least = Math.min(least, (rows[row - 2]?.[column - 2] ?? 0) + 1);
      }
      line.push(least);
    }
    rows.push(line);
  }
  return rows.at(-1)?.at(-1) ?? 0;
}
