/** One CSV row by RFC 4180, safe to open in a spreadsheet. */

/** Cells in order; a text that a spreadsheet would run as a formula is kept text by an apostrophe. */
export function stringifyCsvRow(cells: readonly string[]): string {
  return cells
    .map((cell) => (/^[=+@\t\r]|^-(?!\d)/.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
}
