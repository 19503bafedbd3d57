import { type Clock, isoTime } from "../lib/clock.ts";
import type { Db } from "../store/tables.ts";
import {
  type EventPage,
  eventsAfter,
  isBehind,
  type Place,
  placeOfEvent,
  presentPlace,
} from "../telemetry/live.log.ts";
import type { Connected } from "./live.listener.ts";
import { type Sight, sightOf } from "./live.sight.ts";

const MOST_EVENTS = 500;
/** Of those who read by themselves what they have missed, so many read at a time: the database is there for others. */
const MOST_BEHIND = 5;
/** What happens meanwhile is read together. */
export const BREATH_MS = 20;
const HELD_MS = 100;

export type ReadingDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly connected: Set<Connected>;
  /** Ends whoever may not listen any more. */
  readonly check: (one: Connected) => Promise<void>;
  /** False: it has not taken what it was told, and is told nothing more for now. */
  readonly isTaking: (one: Connected) => boolean;
};

/**
 * One look at the log: whoever has heard all there was reads on together, the others each from where they are.
 * Answers in how many milliseconds it is worth looking again without being woken; undefined: it is not.
 */
export function liveReading(deps: ReadingDeps): () => Promise<number | undefined> {
  const { db, clock, connected, check } = deps;

  async function begin(one: Connected): Promise<Place> {
    const found = one.since === undefined ? undefined : await placeOfEvent(db, one.since);
    const place = found ?? (await presentPlace(db));
    one.listener.tell({ id: undefined, text: ready(clock.now(), found === undefined) });
    return place;
  }

  /** Reads on from the place that is furthest behind. */
  async function advance(readers: readonly Connected[]): Promise<EventPage> {
    const places = readers.map((one) => one.place!);
    const page = await eventsAfter(
      db,
      places.reduce((a, b) => (isBehind(a, b) ? a : b)),
      MOST_EVENTS,
    );
    if (page.events.length > 0) {
      await Promise.all(readers.map(check));
      const callers = readers.map(({ visitor }) => visitor.principal);
      const sees = await sightOf(db, callers, page.events);
      for (const one of readers) tell(one, page, sees);
    }
    for (const one of readers) if (isBehind(one.place!, page.upTo)) one.place = page.upTo;
    return page;
  }

  function tell(one: Connected, { events }: EventPage, sees: Sight): void {
    for (const event of events) {
      if (!connected.has(one)) return;
      if (!isBehind(one.place!, event.place) || !sees(one.visitor.principal, event)) continue;
      one.listener.tell({ id: event.id, text: event.text });
    }
  }

  async function catchUp(one: Connected): Promise<EventPage> {
    one.place ??= await begin(one);
    const page = await advance([one]);
    one.isCaughtUp = !page.isFull;
    // Whoever has more to read makes room for those who have not read yet.
    if (connected.delete(one)) connected.add(one);
    return page;
  }

  return async () => {
    const taking = [...connected].filter(deps.isTaking);
    const together = taking.filter(({ isCaughtUp }) => isCaughtUp);
    const behind = taking.filter(({ isCaughtUp }) => !isCaughtUp);
    const pages = together.length === 0 ? [] : [await advance(together)];
    pages.push(...(await Promise.all(behind.slice(0, MOST_BEHIND).map(catchUp))));
    if (pages.some(({ isFull }) => isFull) || behind.length > MOST_BEHIND) return BREATH_MS;
    const isHeld = taking.length < connected.size || pages.some((page) => page.isHeld);
    return isHeld ? HELD_MS : undefined;
  };
}

/** The first message: nothing that happens from here on is missed. */
function ready(now: number, snapshotNeeded: boolean): string {
  const data = { snapshot_needed: snapshotNeeded };
  return JSON.stringify({ id: null, type: "ready", at: isoTime(now), data });
}
