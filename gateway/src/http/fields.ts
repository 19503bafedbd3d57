import { z } from "zod";
import { type Pico, picoFromUsd, usdNumber } from "../lib/money.ts";

/** The number of a row in a path. What is no such number names nothing, as a number that is not taken. */
export const rowId = z.string().transform((text) => (/^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0));

/** Any text but what PostgreSQL cannot keep. */
export const plainText = z.string().refine((text) => !text.includes("\0"), "must not contain NUL");

/** A day that PostgreSQL knows too: there is no year 0. */
export const utcDate = z.iso
  .date()
  .refine((day) => !day.startsWith("0000"), "must be a day of the year 1 or later");

/** The name that people give something. */
export const nameText = plainText.trim().min(1).max(200);

const MAX_USD = 1e12;
const MIN_USD = 1e-12;
const AMOUNT = 'must be an amount in USD with at most 12 decimals, such as 100 or "0.000001"';

const amount = z
  .number()
  .min(0)
  .lt(MAX_USD)
  .refine((usd) => usd === 0 || usd >= MIN_USD, AMOUNT);

/** USD, exactly: a JSON number, or a decimal text. */
export const usdAmount = z
  .union([amount, z.string().regex(/^\d{1,12}(\.\d{1,12})?$/, AMOUNT)], AMOUNT)
  .transform((usd, context): Pico => {
    const pico = picoFromUsd(String(usd));
    if (typeof usd === "number" && usdNumber(pico) !== usd) context.addIssue(AMOUNT);
    return pico;
  });
