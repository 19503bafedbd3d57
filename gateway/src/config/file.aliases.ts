import { z } from "zod";
import type { Alias } from "../calls/aliases.ts";

const model = z.string().regex(/^[^/]+\/.+$/, "must be provider/model");

const weight = z.int("must be a whole number, such as 3 and 1 for 0.75 and 0.25").min(0).max(1_000_000);

const several = z.strictObject({
  targets: z
    .array(
      z.strictObject({
        model,
        /** The lower the sooner; of the same order: shared by weight. All targets have one, or none has. */
        order: z.int().min(0).max(1_000).optional(),
        /** Without orders, targets with weights share the calls; without either they are asked as listed. */
        weight: weight.optional(),
        /** Until the first byte of its answer. */
        timeout_seconds: z.number().positive().max(3_600).optional(),
      }),
    )
    .min(1)
    .max(20)
    .refine((targets) => new Set(targets.map(({ order }) => order === undefined)).size < 2, {
      message: "either every target has an order or none has",
    }),
  /** How often each target is asked again after a failure that may pass. */
  retries: z.int().min(0).max(5).default(0),
});

/** Model names of the operator's own: `fast: openai/gpt-5.1`, or several targets. */
export const aliasesField = z
  .record(
    z.string().min(1).max(256),
    z.union([model, several], "must be provider/model, or several targets").transform(aliasOf),
  )
  .default({});

function aliasOf(told: string | z.infer<typeof several>): Alias {
  if (typeof told === "string") return { targets: [target(told, 0)], retries: 0 };
  const isShared = told.targets.some((each) => each.weight !== undefined);
  const targets = told.targets.map(({ timeout_seconds: seconds, model: named, ...each }, index) => ({
    ...target(named, each.order ?? (isShared ? 0 : index)),
    weight: each.weight ?? 1,
    timeoutMs: seconds === undefined ? undefined : seconds * 1000,
  }));
  return { targets, retries: told.retries };
}

function target(named: string, order: number): Alias["targets"][number] {
  return { model: named, order, weight: 1, timeoutMs: undefined };
}
