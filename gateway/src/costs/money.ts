import { type Clock, nextTurn } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import { expireReservations } from "./expiry.ts";
import type { Settlement } from "./ledger.ts";
import { patience } from "./patience.ts";
import { type Reserved, type ReserveRequest, reservations } from "./reserve.ts";
import { settlements } from "./settle.ts";
import { type TopUp, topUps } from "./top-up.ts";

/** Everything that moves money in this process: reserve, settle, and charging what nobody settled. */
export type Money = {
  reserve(request: ReserveRequest): Promise<Reserved>;
  readonly topUp: TopUp;
  settle(settlement: Settlement): Promise<void>;
  /** Calls that have reserved and are not on the ledger yet. */
  inFlight(): number;
  /** Gives the last settlements `deadlineMs` to become durable. Answers how many did not: their reservations expire. */
  close(deadlineMs: number): Promise<number>;
};

const LONGEST_SWEEP_PAUSE_MS = 15_000;

export function openMoney(deps: {
  readonly db: Db;
  readonly clock: Clock;
  /** Names this process in the rows. */
  readonly instance: string;
  /** A dead process's reservation is charged this long after its last sign of life, the pause of the sweep included. */
  readonly ttlMs: number;
  /** How long a call may wait for money that other calls hold. */
  readonly waitMs: number;
  readonly onExpired: (count: number) => void;
  readonly onTrouble: (what: "reserving" | "settling" | "expiring", error: unknown) => void;
}): Money {
  const { db, clock, instance, ttlMs, waitMs, onExpired, onTrouble } = deps;
  const sweepMs = Math.min(LONGEST_SWEEP_PAUSE_MS, ttlMs / 4);
  const held = reservations({
    db,
    clock,
    instance,
    ttlMs: ttlMs - sweepMs,
    onTrouble: (error) => onTrouble("reserving", error),
  });
  const waiting = patience({ clock, reserve: held.reserve, waitMs });
  const settling = settlements({
    db,
    clock,
    onSettled: held.forget,
    onTrouble: (error) => onTrouble("settling", error),
  });
  const onExpiryTrouble = (error: unknown): void => onTrouble("expiring", error);
  const expire = (): Promise<void> =>
    expireReservations(db, onExpiryTrouble).then(onExpired, onExpiryTrouble);
  const stopExpiring = clock.every(sweepMs, expire);
  void expire();
  return {
    reserve: waiting.reserve,
    topUp: topUps(db),
    async settle(settlement) {
      await settling.settle(settlement);
      waiting.freed(settlement.budgetIds);
    },
    inFlight: held.inFlight,
    async close(deadlineMs) {
      stopExpiring();
      waiting.close();
      await held.idle();
      // What was granted last finds its caller gone and settles in the next turn.
      await new Promise<void>(nextTurn);
      const left = await settling.drain(deadlineMs);
      await held.close();
      return left;
    },
  };
}
