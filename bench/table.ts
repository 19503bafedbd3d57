import type { Spread } from "./statistics.ts";

/** A Markdown table whose columns line up; the first column is text, the others are aligned to the right. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(3, ...lines.map((line) => (line[column] ?? "").length)));
  const padded = (line: readonly string[]) =>
    `| ${widths.map((width, column) => pad(line[column] ?? "", width, column)).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => ruleOf(width, column)).join("|")}|`;
  return [padded(header), rule, ...rows.map(padded)].join("\n");
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

function ruleOf(width: number, column: number): string {
  return column === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`;
}

/** Three significant digits, thousands apart; `–` for what was not measured. */
export function figureText(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(magnitude >= 10 ? 1 : 2);
}

/** `median (min–max)`. */
export function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return "–";
  if (spread.count === 1) return figureText(spread.median);
  return `${figureText(spread.median)} (${figureText(spread.min)}–${figureText(spread.max)})`;
}
