import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { worded } from "./fault-words.ts";

const schema = z.strictObject({
  name: z.string().min(1).max(5).optional(),
  count: z.int().min(1).max(9).optional(),
  at: z.iso.datetime().optional(),
  kind: z.enum(["a", "b", "c"]).optional(),
  list: z.array(z.string()).max(1).optional(),
  either: z
    .union([z.string().regex(/^x/, "must begin with x"), z.strictObject({ y: z.boolean() })])
    .optional(),
  needed: z.literal("here"),
});

for (const [value, told] of [
  [{ name: "" }, "name must not be empty"],
  [{ name: "abcdef" }, "name must have at most 5 characters"],
  [{ name: 5 }, "name must be text"],
  [{ count: 0 }, "count must be at least 1"],
  [{ count: 10 }, "count must be at most 9"],
  [{ count: 1.5 }, "count must be a whole number, such as 3"],
  [{ at: "tomorrow" }, "at must be a time, such as 2027-01-31T00:00:00Z"],
  [{ kind: "d" }, "kind must be a, b or c"],
  [{ list: ["a", "b"] }, "list must have at most 1 entry"],
  [{ surplus: 1 }, ' has "surplus", which is not known here'],
  [{ either: "y" }, "either must begin with x"],
  [{ either: {} }, "either.y is missing"],
  [{ either: { y: 1 } }, "either.y must be true or false"],
] as const) {
  test(`a fault is told in words: ${told}`, () => {
    const { error } = schema.safeParse({ needed: "here", ...value });
    const { path, message } = worded(error!.issues[0]!);
    assert.equal(`${path.join(".")} ${message}`, told);
  });
}

test("what is missing is told as that, also in a list of choices", () => {
  for (const field of [
    z.string(),
    z.enum(["a", "b"]),
    z.coerce.number(),
    z.union([z.string(), z.number()]),
  ]) {
    const { error } = z.strictObject({ field }).safeParse({});
    assert.match(worded(error!.issues[0]!).message, /^(is missing|must be )/);
  }
});
