import { parseArgs } from "node:util";

export type ScaleOptions = {
  /** How many rows the ledgers have that are compared, ascending. */
  readonly rows: readonly number[];
  readonly rounds: number;
  /** How long one measurement lasts, unless a single run of it takes longer. */
  readonly seconds: number;
};

export const scaleUsage = `node scripts/tollgate.mjs bench/scale.ts [--rows 10000,1000000] [--rounds 5] [--seconds 1]
  --rows   the sizes of the ledgers; 10,000,000 rows need 9 GB in the temporary folder and some minutes to fill`;

const LARGEST = 20_000_000;

/** Throws an Error whose message is for the person at the keyboard. */
export function parseScaleOptions(args: readonly string[]): ScaleOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: "string", default: "10000,1000000" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "1" },
    },
  });
  const rows = values.rows.split(",").map((text) => wholeNumber("rows", text, LARGEST));
  return {
    rows: [...new Set(rows)].toSorted((a, b) => a - b),
    rounds: wholeNumber("rounds", values.rounds, 100),
    seconds: wholeNumber("seconds", values.seconds, 60),
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} takes whole numbers from 1 to ${most}, not ${text}`);
}
