import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TollgateError } from "../lib/errors.ts";
import { pages } from "./pages.ts";

const { after, page } = pages(Buffer.alloc(32, 1));
const refused = (error: unknown) => error instanceof TollgateError && error.code === "VALIDATION_FAILED";

test("following the cursors walks a list once, whatever its length and the size of its pages", () => {
  fc.assert(
    fc.property(fc.nat(60), fc.integer({ min: 1, max: 20 }), (length, limit) => {
      const all = Array.from({ length }, (_, index) => index + 1);
      const seen: number[] = [];
      let cursor: string | undefined;
      do {
        const from = Number(after("keys", cursor) ?? 0);
        const rows = all.filter((id) => id > from).slice(0, limit + 1);
        const { items, next_cursor } = page("keys", rows, limit, (id) => id);
        seen.push(...items);
        cursor = next_cursor ?? undefined;
      } while (cursor !== undefined);
      assert.deepEqual(seen, all);
    }),
  );
});

test("a cursor of another list, or a changed one, is refused", () => {
  const { next_cursor } = page("keys", [1, 2], 1, (id) => id);
  assert.throws(() => after("teams", next_cursor!), refused);
  for (const cursor of ["", "x", ".", `${next_cursor}x.`, `Mg.${next_cursor!.split(".")[1]}`]) {
    assert.throws(() => after("keys", cursor), refused, cursor);
  }
});
