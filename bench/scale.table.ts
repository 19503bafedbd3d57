import { spreadOf } from "./statistics.ts";
import { figureText, markdownTable } from "./table.ts";

/** What one kind of work took on one ledger, round after round: milliseconds, or how many per second. */
export type Measured = {
  readonly name: string;
  readonly better: "less" | "more";
  /** What else it grows with by its nature, and how far; it is not held to be flat. */
  readonly growsWith?: string | undefined;
  /** By the size of the ledger, in the order of the sizes; of each, one value per round. */
  readonly rounds: readonly (readonly number[])[];
};

/** More is not flat. */
const FLAT = 1.5;

/** How many times as much the work costs as on the first ledger: the median of the rounds' ratios, per size. */
export function ratiosOf({ better, rounds }: Measured): readonly number[] {
  const [first = []] = rounds;
  return rounds.map((values) => {
    const ratios = values.map((value, round) =>
      better === "less" ? value / first[round]! : first[round]! / value,
    );
    return spreadOf(ratios)?.median ?? Number.NaN;
  });
}

export function isFlat(measured: Measured): boolean {
  return ratiosOf(measured).every((ratio) => ratio <= FLAT);
}

export function isAsExpected(measured: Measured): boolean {
  return measured.growsWith !== undefined || isFlat(measured);
}

/** One line per kind of work: medians on every ledger, and ratios of the others to the first. */
export function scaleTable(sizes: readonly number[], all: readonly Measured[]): string {
  const [first = 0, ...others] = sizes.map((rows) => rows.toLocaleString("en-US"));
  const header = ["on a ledger of", ...[first, ...others].map((rows) => `${rows} rows`)];
  const lines = all.map((measured) => {
    const unit = measured.better === "less" ? " ms" : " /s";
    const medians = measured.rounds.map((values) => `${figureText(spreadOf(values)?.median)}${unit}`);
    const ratios = ratiosOf(measured).slice(1).map(figureText);
    const verdict = isFlat(measured) ? "flat" : `grows${growsWith(measured)}`;
    return [measured.name, ...medians, ...ratios, verdict];
  });
  return markdownTable([...header, ...others.map((rows) => `× at ${rows}`), `within ${FLAT}`], lines);
}

function growsWith({ growsWith: what }: Measured): string {
  return what === undefined ? "" : ` with ${what}`;
}
