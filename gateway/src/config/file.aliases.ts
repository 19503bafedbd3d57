import { z } from "zod";
import type { Alias } from "../calls/aliases.ts";

const model = z.string().regex(/^[^/]+\/.+$/, "must be provider/model");

const several = z.strictObject({
  targets: z
    .array(
      z.strictObject({
        model,
        /** The lower the sooner; by default in the order of the list. Of the same order: shared by weight. */
        order: z.int().min(0).max(1_000).optional(),
        weight: z.int().min(0).max(1_000_000).default(1),
        /** Until the first byte of its answer. */
        timeout_seconds: z.number().positive().max(3_600).optional(),
      }),
    )
    .min(1)
    .max(20),
  /** How often each target is asked again after a failure that may pass. */
  retries: z.int().min(0).max(5).default(0),
});

/** Model names of the operator's own: `fast: openai/gpt-5.1`, or several targets. */
export const aliasesField = z
  .record(z.string().min(1).max(256), z.union([model, several]).transform(aliasOf))
  .default({});

function aliasOf(told: string | z.infer<typeof several>): Alias {
  if (typeof told === "string") return { targets: [target(told, 0)], retries: 0 };
  const targets = told.targets.map(({ timeout_seconds: seconds, order, weight, model: named }, index) => ({
    ...target(named, order ?? index),
    weight,
    timeoutMs: seconds === undefined ? undefined : seconds * 1000,
  }));
  return { targets, retries: told.retries };
}

function target(named: string, order: number): Alias["targets"][number] {
  return { model: named, order, weight: 1, timeoutMs: undefined };
}
