import { z } from "zod";
import { sightOf } from "../../calls/live.sight.ts";
import type { Db } from "../../store/tables.ts";
import { eventsAfter, type Place, placeOfEvent, presentPlace } from "../../telemetry/live.log.ts";
import { eventTypes } from "../../telemetry/notifier.events.ts";
import { type CommandDeps, dataCommand, type Shown, UsageError } from "../command.ts";

const MOST = 500;
/** From afar each look is a request. */
const LOOK_EVERY_MS = 2_000;

type EventJson = {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
};

const liveTypes = [...eventTypes, "job.updated"] as const;

type Tail = {
  readonly events: readonly EventJson[];
  /** With what the next look goes on; null: there is none. */
  readonly next: object | null;
  /** There may be more to read at once. */
  readonly isFull: boolean;
};

const tail = dataCommand({
  name: "events tail",
  about: "Print what happens while it happens, until Ctrl-C; with --no-follow, what is kept of it.",
  options: [
    ["--since <id>", "begin behind this event (default: now; with --no-follow, with the oldest)"],
    ["--type <type>", "only of this type", liveTypes],
    ["--no-follow", "end when everything is printed"],
  ],
  input: z.strictObject({
    since: z.uuid("must be the id of an event").optional(),
    type: z.enum(liveTypes).optional(),
    follow: z.boolean().default(true),
    /** Where the look before has ended. */
    after: z.tuple([z.int(), z.int()]).optional(),
  }),
  async run(deps, { type, follow, since, after }): Promise<Tail> {
    const { db, by } = deps;
    const { events, upTo, isFull } = await eventsAfter(db, after ?? (await begin(db, since, follow)), MOST);
    const sees = await sightOf(db, [by.caller], events);
    const shown = events
      .filter((event) => sees(by.caller, event))
      .map(({ text }) => JSON.parse(text) as EventJson)
      .filter((event) => type === undefined || event.type === type);
    const next = isFull || (follow && isLive(deps)) ? { type, follow, after: upTo } : null;
    return { events: shown, next, isFull };
  },
  show: ({ events, next, isFull }: Tail): Shown => ({
    text: events.map(lineOf).join("\n"),
    json: events.map((event) => JSON.stringify(event)).join("\n"),
    ...(next === null ? {} : { next, afterMs: isFull ? 0 : LOOK_EVERY_MS }),
  }),
});

async function begin(db: Db, since: string | undefined, follow: boolean): Promise<Place> {
  if (since === undefined) return follow ? presentPlace(db) : [0, 0];
  const place = await placeOfEvent(db, since);
  if (place === undefined) throw new UsageError(`there is no event ${since}, or it is kept no more`);
  return place;
}

/** In an embedded database whose server does not run, nothing more happens: only then there are counters and no server. */
function isLive({ server, counters }: CommandDeps): boolean {
  return server !== undefined || counters === undefined;
}

function lineOf({ at, type, data }: EventJson): string {
  const fields = Object.entries(data).map(([name, value]) => `${name}=${textOf(value)}`);
  return [at, type, ...fields].join("  ");
}

function textOf(value: unknown): string {
  return typeof value === "string" && /^\S+$/.test(value) ? value : JSON.stringify(value);
}

export const eventCommands = [tail];
