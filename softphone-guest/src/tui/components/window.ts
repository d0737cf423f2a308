/** The part of a long list that keeps the chosen line in sight; one line is left for its numbers. */
export function windowOf(
  count: number,
  chosen: number,
  rows: number,
): { readonly from: number; readonly to: number } {
  if (count <= rows) return { from: 0, to: count };
  const size = Math.max(1, rows - 1);
  const from = Math.min(Math.max(0, chosen - Math.floor(size / 2)), count - size);
  return { from, to: from + size };
}
