/** One CSV row by RFC 4180, safe to open in a spreadsheet. */

/** Cells in order; an apostrophe keeps text what a spreadsheet would run as a formula. */
export function stringifyCsvRow(cells: readonly string[]): string {
  return cells
    .map((cell) => (/^[=+@\t\r]|^-(?!\d)/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
}
