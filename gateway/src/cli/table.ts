import { plain, type Style, type Terminal } from "./terminal.ts";
import { printable, printableLines, shortened, widthOf } from "./width.ts";

/** A title alone is a column of names and times, which stay whole. */
export type Column =
  | string
  | {
      readonly title: string;
      /** amount: to the right. state: painted when it asks for somebody. prose: shortened where there is no room. */
      readonly kind: "amount" | "state" | "prose";
    };

export type Table = {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** What is said of a table without rows, in place of one that tells which command it is. */
  readonly ifEmpty?: string | undefined;
};

/** Paragraphs, if there are several; a table without rows is none. */
export type Text = string | Table | readonly (string | Table)[];

export function table(columns: Table["columns"], rows: Table["rows"], ifEmpty?: string): Table {
  return { columns, rows, ifEmpty };
}

export const amount = (title: string): Column => ({ title, kind: "amount" });
export const state = (title: string): Column => ({ title, kind: "state" });
export const prose = (title: string): Column => ({ title, kind: "prose" });

/** Without control characters, whatever stands in it: a name cannot rewrite the terminal. */
export function textOf(text: Text, terminal: Terminal = plain): string {
  return paragraphs(text)
    .filter((part) => typeof part === "string" || part.rows.length > 0)
    .map((part) => (typeof part === "string" ? printableLines(part) : tableText(part, terminal)))
    .join("\n\n");
}

/** Of a text that is nothing but tables without rows: the first of them. */
export function emptyTable(text: Text): Table | undefined {
  const parts = paragraphs(text);
  const isEmpty = parts.every((part) => typeof part !== "string" && part.rows.length === 0);
  return isEmpty ? (parts[0] as Table | undefined) : undefined;
}

function paragraphs(text: Text): readonly (string | Table)[] {
  return typeof text === "string" || "rows" in text ? [text] : text;
}

const GAP = "  ";
const NARROWEST = 12;

/** Aligned columns with a header line. */
function tableText({ columns, rows }: Table, { columns: room, paint }: Terminal): string {
  const kinds = columns.map((column) => (typeof column === "string" ? undefined : column.kind));
  const titles = columns.map((column) => (typeof column === "string" ? column : column.title));
  const cells = rows.map((row) => row.map((cell) => printable(withoutMilliseconds(cell))));
  const widths = titles.map((title, index) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(row[index]!))),
  );
  if (room !== undefined) narrow(widths, kinds, room);
  const line = (row: readonly string[], styleOf: (cell: string, index: number) => Style | undefined) =>
    row
      .map((cell, index) => {
        const shown = shortened(cell, widths[index]!);
        const gap = " ".repeat(widths[index]! - widthOf(shown));
        const style = styleOf(cell, index);
        const painted = style === undefined ? shown : paint(style, shown);
        return kinds[index] === "amount" ? gap + painted : painted + gap;
      })
      .join(GAP)
      .trimEnd();
  return [
    line(titles, () => "bold"),
    ...cells.map((row) => line(row, (cell, index) => (kinds[index] === "state" ? states[cell] : undefined))),
  ].join("\n");
}

/** A time as people read it; in JSON it stays whole. */
function withoutMilliseconds(cell: string): string {
  return cell.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/, "$1Z");
}

/** Takes what is too much from the widest columns of prose, as far as something of them stays. */
function narrow(widths: number[], kinds: readonly (string | undefined)[], room: number): void {
  const total = () => widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length);
  for (let excess = total() - room; excess > 0; excess = total() - room) {
    const widest = Math.max(...widths.filter((_, index) => kinds[index] === "prose"), 0);
    if (widest <= NARROWEST) return;
    const index = widths.findIndex((width, at) => kinds[at] === "prose" && width === widest);
    const others = widths.filter((width, at) => kinds[at] === "prose" && width < widest);
    widths[index] = Math.max(NARROWEST, widest - excess, Math.min(widest - 1, Math.max(0, ...others)));
  }
}

/** The states that ask for somebody. */
const states: Readonly<Record<string, Style>> = {
  revoked: "red",
  exceeded: "red",
  dead_letter: "red",
  failed: "red",
  FAILED: "red",
  open: "red",
  expired: "yellow",
  critical: "yellow",
  warning: "yellow",
  half_open: "yellow",
};
