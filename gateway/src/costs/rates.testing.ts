import fc from "fast-check";
import { type Kind, tokenKinds, useKinds } from "./rates.kinds.ts";
import type { RatesPerMillion } from "./rates.ts";

/** Price lists of every form, for properties. Imported by tests only. */
const decimal = fc
  .tuple(fc.nat(1_000), fc.nat(999_999), fc.integer({ min: 0, max: 6 }))
  .map(
    ([whole, decimals, places]) =>
      `${whole}.${String(decimals).padStart(6, "0").slice(0, Math.max(1, places))}`,
  );

const each = (kinds: readonly Kind[]) =>
  Object.fromEntries(kinds.map((kind) => [kind, decimal])) as Record<Kind, typeof decimal>;
const list = each(tokenKinds);
const required = ["input", "output"] as const;

const tiers = fc.uniqueArray(
  fc.record({ ...list, aboveInput: fc.nat(4_000_000_000) }, { requiredKeys: [...required, "aboveInput"] }),
  { maxLength: 3, selector: ({ aboveInput }) => aboveInput },
);

/** Any kind but input and output may be left out; no two tiers begin at the same length. */
export const lists: fc.Arbitrary<RatesPerMillion> = fc
  .tuple(fc.record({ ...list, ...each(useKinds) }, { requiredKeys: [...required] }), tiers)
  .map(([rates, tiers]) => ({ ...rates, tiers }));
