import { z } from "zod";
import { reprice, repriceDry } from "../../costs/reprice.ts";
import {
  isPeriod,
  noPeriod,
  type RepricingJson,
  repriceFields,
  repricingJson,
} from "../../http/routes/reprice.ts";
import { dataCommand } from "../command.ts";

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
    })
    .refine(isPeriod, noPeriod),
  async run({ maintenance, longChange, clock, readPrices, by }, { project, dryRun, reason, ...named }) {
    const book = await readPrices();
    const chosen = { ...named, projectId: project };
    const done = dryRun
      ? await repriceDry(maintenance, book, chosen)
      : await reprice({ change: longChange, clock }, by.cause, book, { ...chosen, reason });
    return repricingJson(done, dryRun);
  },
  show: ({ calls, adjusted, skipped, delta_usd, dry_run }: RepricingJson) => ({
    text: `${calls} calls: ${adjusted} ${dry_run ? "would be adjusted" : "adjusted"} by ${delta_usd} USD, ${skipped} left as nobody reported what they used.`,
  }),
});

export const repriceCommands = [repricePrices];
