import { type Clock, DAY_MS, within } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import {
  type Delivery,
  type Destination,
  dropDelivery,
  placeOf,
  postpone,
  takeDue,
} from "./notifier.outbox.ts";

/** Brings one event to one place; rejects unless it was accepted there. */
export type Courier = (delivery: Delivery) => Promise<void>;

/** `retried`: it is tried again later. `abandoned`: nobody accepted it for a day. */
export type DeliveryOutcome = "delivered" | "retried" | "abandoned";

export type Notifier = {
  /** Looks now, and not only when the next look is due. */
  wake(): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
};

const LOOK_EVERY_MS = 1_000;
const MOST_AT_ONCE = 100;
const MOST_TAKEN = 20;
/** A place that answers slowly, or never, holds up no other. */
const MOST_TO_ONE_PLACE = 20;
const LONGEST_DELIVERY_MS = 15_000;
/** Longer than a delivery: who has not reported by then is dead, and another tries. */
const LEASE_MS = 60_000;
const PAUSES_MS = [5_000, 30_000, 120_000, 600_000, 3_600_000] as const;

/**
 * Delivers what is in the outbox, at least once and in most cases once, by any number of instances. What is not
 * accepted is tried again for a day.
 */
export function notifier(deps: {
  readonly db: Db;
  readonly clock: Clock;
  readonly couriers: Partial<Readonly<Record<Destination, Courier>>>;
  readonly onOutcome: (delivery: Delivery, outcome: DeliveryOutcome, error?: unknown) => void;
  readonly onTrouble: (error: unknown) => void;
  readonly leaseMs?: number;
}): Notifier {
  const { db, clock, couriers, onOutcome, onTrouble, leaseMs = LEASE_MS } = deps;
  const to = Object.keys(couriers) as Destination[];

  /** Deliveries under way, by place. */
  const underWay = new Map<string, number>();
  const running = new Set<Promise<void>>();
  /** More may be due than was taken. */
  let isHeldUp = false;

  async function look(): Promise<void> {
    for (;;) {
      const most = Math.min(MOST_TAKEN, MOST_AT_ONCE - running.size);
      const busy = [...underWay].filter(([, count]) => count >= MOST_TO_ONE_PLACE).map(([place]) => place);
      isHeldUp = most <= 0 || busy.length > 0;
      if (most <= 0) return;
      const now = clock.now();
      const due = await takeDue(db, { now, leaseEnd: now + leaseMs, to, most, busy });
      for (const delivery of due) start(delivery);
      if (due.length < most) return;
    }
  }

  function start(delivery: Delivery): void {
    const place = placeOf(delivery);
    underWay.set(place, (underWay.get(place) ?? 0) + 1);
    const work = deliver(delivery)
      .catch(onTrouble)
      .finally(() => {
        running.delete(work);
        const left = underWay.get(place)! - 1;
        if (left === 0) underWay.delete(place);
        else underWay.set(place, left);
        if (isHeldUp) wake();
      });
    running.add(work);
  }

  async function deliver(delivery: Delivery): Promise<void> {
    const late = () => new Error(`not delivered within ${LONGEST_DELIVERY_MS} ms`);
    try {
      const courier = couriers[delivery.destination];
      if (courier === undefined) throw new Error("no settings say any more how to get there");
      await within(clock, LONGEST_DELIVERY_MS, courier(delivery), late);
    } catch (error) {
      const dueAt = clock.now() + pauseAfter(delivery.attempts);
      const isTooLate = dueAt - delivery.createdAt.getTime() > DAY_MS;
      onOutcome(delivery, isTooLate ? "abandoned" : "retried", error);
      return isTooLate ? dropDelivery(db, delivery.id) : postpone(db, delivery.id, dueAt);
    }
    onOutcome(delivery, "delivered");
    await dropDelivery(db, delivery.id);
  }

  let looking: Promise<void> | undefined;
  let isClosed = false;
  /** Somebody woke it while it looked, and may know of something that this look has missed. */
  let isWokenAgain = false;
  const wake = (): void => {
    if (isClosed) return;
    isWokenAgain = looking !== undefined;
    looking ??= look()
      .catch(onTrouble)
      .finally(() => {
        looking = undefined;
        if (isWokenAgain) wake();
      });
  };
  const stop = clock.every(LOOK_EVERY_MS, wake);
  wake();
  return {
    wake,
    async close() {
      isClosed = true;
      stop();
      await looking;
      await Promise.all(running);
    },
  };
}

/** 5 s, 30 s, 2 min, 10 min, then an hour each. */
function pauseAfter(attempts: number): number {
  return PAUSES_MS[Math.min(attempts, PAUSES_MS.length) - 1]!;
}
