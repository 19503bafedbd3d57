import { z } from "zod";
import { TollgateError } from "../lib/errors.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";

/** What every list takes in its query. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(500).optional(),
};

/** What every list answers: `next_cursor` is null on the last page. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

export type Page<T> = { readonly items: readonly T[]; readonly next_cursor: string | null };

export type Pages = {
  /** The place a cursor of this list names; undefined without one. Throws VALIDATION_FAILED for any other text. */
  after(list: string, cursor: string | undefined): string | undefined;
  /** A page out of up to `limit + 1` rows, so that the last page is known for one. */
  page<T>(list: string, rows: readonly T[], limit: number, placeOf: (row: T) => string | number): Page<T>;
};

/** Cursors are signed, so that a list can only be continued from where it ended, and only the same list. */
export function pages(key: Uint8Array): Pages {
  const cursorOf = (list: string, place: string) => {
    const sealed = hmacSha256(key, `${list}\0${place}`).subarray(0, 12);
    return `${Buffer.from(place).toString("base64url")}.${sealed.toString("base64url")}`;
  };
  return {
    after(list, cursor) {
      if (cursor === undefined) return undefined;
      const place = Buffer.from(cursor.split(".", 1)[0]!, "base64url").toString();
      if (sameSecret(Buffer.from(cursor), Buffer.from(cursorOf(list, place)))) return place;
      throw new TollgateError("VALIDATION_FAILED", {
        faults: [{ path: "cursor", message: "is not a cursor of this list" }],
      });
    },
    page(list, rows, limit, placeOf) {
      const items = rows.slice(0, limit);
      const last = items.at(-1);
      const isLastPage = rows.length <= limit || last === undefined;
      return { items, next_cursor: isLastPage ? null : cursorOf(list, String(placeOf(last))) };
    },
  };
}
