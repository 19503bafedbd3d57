import { atMost, type Clock, sleep } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { groupCommit } from "./batch.ts";
import { isDataFault, withoutCulprits } from "./faults.ts";
import { lineRows, type Settlement, settledRow } from "./ledger.ts";
import { type Item, settleItems } from "./settle.statements.ts";

export type Settlements = {
  /**
   * Resolves when the call is on the ledger. A failing database is asked again until it answers. Repeating a
   * settlement changes nothing; settling an expired call replaces its row and corrects what it moved.
   */
  settle(settlement: Settlement): Promise<void>;
  /** How many settlements are not durable yet. */
  waiting(): number;
  /** Waits for them, `deadlineMs` at most, and gives up on the rest. Answers how many were left. */
  drain(deadlineMs: number): Promise<number>;
};

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;
/** How long a settlement rests that the database refuses for what it says. */
const SET_ASIDE_MS = 30_000;

export function settlements(deps: {
  readonly db: Db;
  readonly clock: Clock;
  /** The call is on the ledger: its reservation needs no more care. */
  readonly onSettled: (id: string) => void;
  readonly onTrouble: (error: unknown) => void;
}): Settlements {
  const { db, clock, onSettled, onTrouble } = deps;
  let unsettled = 0;
  let givenUp = false;

  const batch = groupCommit<Item, boolean>(async (items) => {
    const refused = new Set<Item>();
    await withoutCulprits(items, settleWhenPossible, (item, error) => {
      refused.add(item);
      onTrouble(error);
    });
    return items.map((item) => !refused.has(item));
  });

  async function settleWhenPossible(items: readonly Item[]): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
      try {
        return await settleItems(db, items);
      } catch (error) {
        if (givenUp || isDataFault(error)) throw error;
        onTrouble(error);
        await sleep(clock, retryMs);
      }
    }
  }

  return {
    async settle(settlement) {
      const row = settledRow(settlement, clock.now()) as Item["row"];
      const item = { id: settlement.id, row, lines: lineRows(settlement) };
      unsettled++;
      try {
        while (!(await batch.add(item))) await sleep(clock, SET_ASIDE_MS);
        onSettled(settlement.id);
      } finally {
        unsettled--;
      }
    },
    waiting: () => unsettled,
    async drain(deadlineMs) {
      await atMost(clock, deadlineMs, batch.drain());
      givenUp = true;
      return unsettled;
    },
  };
}
