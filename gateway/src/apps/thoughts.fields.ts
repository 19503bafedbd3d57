import { z } from "zod";

/** What HTTP takes. PostgreSQL keeps any text but NUL. */
const plain = z.string().refine((text) => !text.includes("\0"), "must not contain NUL");
const line = (max: number) => plain.trim().min(1).max(max);
const day = z.iso.date().refine((text) => !text.startsWith("0000"), "must be a day of the year 1 or later");

const thoughtText = plain.max(10_000).refine((text) => text.trim() !== "", "must say something");
const source = line(200);

export const newThought = z.strictObject({ text: thoughtText, source: source.optional() });

const action = {
  text: line(500),
  done: z.boolean().optional(),
  due: day.nullable().optional(),
};

export const thoughtPatch = z.strictObject({
  text: thoughtText.optional(),
  source: source.nullable().optional(),
  title: line(200).nullable().optional(),
  tags: z.array(line(40).toLowerCase()).max(20).optional(),
  people: z.array(line(80)).max(50).optional(),
  dates: z.array(day).max(50).optional(),
  actions: z
    .array(
      z.union([
        z.strictObject({ id: z.int().min(1), ...action, text: action.text.optional() }),
        z.strictObject(action),
      ]),
    )
    .max(100)
    .optional(),
});

export const question = z.strictObject({
  question: plain.max(2_000).refine((text) => text.trim() !== "", "must ask something"),
});

/** A number that is no row's names nothing. */
export const thoughtParams = z.object({
  id: z.string().transform((text) => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0)),
});

export const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,14}$/, "is not a cursor of this list")
    .transform(Number)
    .optional(),
});

export const planQuery = z.strictObject({
  version: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31 - 1)
    .optional(),
});
