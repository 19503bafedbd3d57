import assert from "node:assert/strict";
import { test } from "node:test";
import { inMemory } from "./counters.testing.ts";
import type { Dimension } from "./limit.ts";
import { type Decision, type Move, play, randomSteps } from "./replay.testing.ts";

test("what has expired is as good as none: whoever sweeps it away at any moment gets the same answers", async () => {
  for (const seed of [11, 12]) {
    const [kept, swept] = [inMemory(), inMemory()];
    const decisions: readonly [Decision[], Decision[]] = [[], []];
    let removed = 0;
    for (const step of randomSteps(seed, 10_000)) {
      const move = underFixedRules(step);
      if (move === undefined) continue;
      for (const [key, { expiresAt }] of swept.entries) {
        if (expiresAt <= swept.clock.now() && swept.entries.delete(key)) removed++;
      }
      assert.deepEqual(
        await play(kept, move, decisions[0]),
        await play(swept, move, decisions[1]),
        JSON.stringify(move),
      );
    }
    assert.ok(removed > 1_000, `only ${removed} removed`);
  }
});

/** The clock only advances, a key has one rule, and quotas are left out: they ask for their state by design. */
function underFixedRules(move: Move): Move | undefined {
  switch (move.kind) {
    case "step":
    case "seed":
    case "reset":
      return undefined;
    case "strike": {
      const { windowKey, holdKey, ...rule } = move.strike;
      const name = Object.values(rule).join("/");
      const strike = { ...rule, windowKey: `${windowKey}/${name}`, holdKey: `${holdKey}/${name}` };
      return { kind: "strike", strike };
    }
    case "take": {
      const dimensions = move.dimensions.filter(({ shape }) => shape !== "dailyQuota").map(named);
      return { ...move, dimensions };
    }
    default:
      return move;
  }
}

function named(dimension: Dimension): Dimension {
  const { key, limit, windowMs, capacity } = dimension;
  return { ...dimension, key: `${key}/${limit}/${windowMs}/${capacity}` };
}
