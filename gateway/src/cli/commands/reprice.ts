import { z } from "zod";
import type { PriceBook } from "../../costs/prices.ts";
import { type RepricedCalls, type Repricing, reprice, repriceDry } from "../../costs/reprice.ts";
import {
  isPeriod,
  noPeriod,
  type RepricingJson,
  repriceFields,
  repricingJson,
} from "../../http/routes/reprice.ts";
import { DAY_MS, utcDay } from "../../lib/clock.ts";
import { type CommandDeps, dataCommand } from "../command.ts";

const STEP_MS = 1_000;

/** What a dry run has found on the days before `day`. */
const soFar = z.object({
  day: z.iso.date(),
  calls: z.int(),
  adjusted: z.int(),
  skipped: z.int(),
  deltaPico: z.string().regex(/^-?\d{1,30}$/),
});

type SoFar = z.infer<typeof soFar>;
type Days = { readonly from: string; readonly to: string };

/** With `next`, a dry run that is not at its end. */
type Repriced = RepricingJson & { readonly next?: Days & { readonly soFar: SoFar } };

const repricePrices = dataCommand({
  name: "prices reprice",
  about: "Price past calls again by the book of now, and post what they cost more or less.",
  options: [
    ["--from <day>", "first UTC day, such as 2026-11-01"],
    ["--to <day>", "last UTC day"],
    ["--provider <name>", "only what this provider served"],
    ["--model <name>", "only what this model served"],
    ["--project <id>", "only what this project paid", Number],
    ["--dry-run", "post nothing, only tell what would be", () => true],
    ["--reason <text>", "stands with every adjustment and in the audit log"],
  ],
  input: z
    .strictObject({
      ...repriceFields,
      project: z.int().positive().optional(),
      dryRun: z.boolean().default(false),
      soFar: soFar.optional(),
    })
    .refine(isPeriod, noPeriod),
  async run(deps, input): Promise<Repriced> {
    const { longChange: change, clock, by } = deps;
    const { project: projectId, dryRun, reason, soFar: before, ...named } = input;
    const book = await deps.readPrices();
    const chosen = { ...named, projectId };
    // What is posted is posted in one transaction; only a dry run can be cut into steps.
    if (!dryRun) {
      return repricingJson(await reprice({ change, clock }, by.cause, book, { ...chosen, reason }), false);
    }
    const { day, ...found } = await dryStep(deps, book, chosen, before);
    const sums = repricingJson({ ...found, deltaPico: BigInt(found.deltaPico) }, true);
    return day > chosen.to ? sums : { ...sums, next: { ...input, soFar: { day, ...found } } };
  },
  show({ next, calls, adjusted, skipped, delta_usd, dry_run }: Repriced) {
    if (next !== undefined) {
      const { from, to, soFar } = next;
      const progress = { done: daysFrom(from, soFar.day), total: daysFrom(from, to) + 1, what: "days" };
      return { text: "", json: "", next, progress };
    }
    return {
      text: `${calls} calls: ${adjusted} ${dry_run ? "would be adjusted" : "adjusted"} by ${delta_usd} USD, ${skipped} left as nobody reported what they used.`,
    };
  },
});

async function dryStep(
  { maintenance, clock }: CommandDeps,
  book: PriceBook,
  chosen: RepricedCalls,
  before: SoFar | undefined,
): Promise<SoFar> {
  const nothing: Repricing = { calls: 0, adjusted: 0, skipped: 0, deltaPico: 0n };
  let sum = before === undefined ? nothing : { ...before, deltaPico: BigInt(before.deltaPico) };
  let day = before?.day ?? chosen.from;
  const until = clock.monotonic() + STEP_MS;
  do {
    const found = await repriceDry(maintenance, book, { ...chosen, from: day, to: day });
    sum = {
      calls: sum.calls + found.calls,
      adjusted: sum.adjusted + found.adjusted,
      skipped: sum.skipped + found.skipped,
      deltaPico: sum.deltaPico + found.deltaPico,
    };
    day = utcDay(Date.parse(day) + DAY_MS);
  } while (day <= chosen.to && clock.monotonic() < until);
  return { ...sum, day, deltaPico: sum.deltaPico.toString() };
}

function daysFrom(first: string, day: string): number {
  return Math.round((Date.parse(day) - Date.parse(first)) / DAY_MS);
}

export const repriceCommands = [repricePrices];
