import { parseArgs } from "node:util";
import { type TargetName, targetNames } from "./targets.ts";
import { type WorkloadName, workloadNames } from "./workloads.ts";

export type Options = {
  readonly rounds: number;
  readonly seconds: number;
  /** Measurements are discarded in which others used more of one core. */
  readonly noisePercent: number;
  readonly abortedStreams: number;
  readonly targets: readonly TargetName[];
  readonly only: readonly (WorkloadName | "aborts")[];
};

export const usage = `npm run bench -- [--rounds 5] [--seconds 2] [--quick] [--noise 25] [--targets a,b] [--only a,b]
  --quick     one round of one second, 200 aborted streams: does everything work?
  --noise     percent of a core that others may use before a measurement is discarded
  --targets   ${targetNames.join(", ")}
  --only      ${[...workloadNames, "aborts"].join(", ")}`;

/** Throws an Error whose message is for the person at the keyboard. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      noise: { type: "string" },
      quick: { type: "boolean", default: false },
      targets: { type: "string" },
      only: { type: "string" },
    },
  });
  return {
    rounds: wholeNumber("rounds", values.rounds, values.quick ? 1 : 5),
    seconds: wholeNumber("seconds", values.seconds, values.quick ? 1 : 2),
    noisePercent: wholeNumber("noise", values.noise, 25),
    abortedStreams: values.quick ? 200 : 1000,
    targets: chosen("targets", values.targets, targetNames),
    only: chosen("only", values.only, [...workloadNames, "aborts"]),
  };
}

function wholeNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number from 1`);
  return value;
}

/** In the order of `known`, whatever order they were written in. */
function chosen<T extends string>(name: string, text: string | undefined, known: readonly T[]): readonly T[] {
  if (text === undefined) return known;
  const wanted = text.split(",");
  const unknown = wanted.find((word) => !(known as readonly string[]).includes(word));
  if (unknown !== undefined) throw new Error(`--${name} knows ${known.join(", ")}, but not ${unknown}`);
  return known.filter((word) => wanted.includes(word));
}
