/** A cell: text, or a number as it is to be read. */
export type Cell = string | number;

/** A table as CSV (RFC 4180). A text that a spreadsheet would run as a formula begins with an apostrophe instead. */
export function csv(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cellText).join(",")}\r\n`).join("");
}

function cellText(cell: Cell): string {
  const text =
    typeof cell === "string" && /^\s*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/.test(cell)
      ? `'${cell}`
      : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
