/** Everything that people outside are told of, by webhook and e-mail. */
export const events = {
  "budget.warning": { about: "A budget is 80 % spent." },
  "budget.critical": { about: "A budget is 95 % spent." },
  "budget.exceeded": { about: "A budget is all spent." },
  "job.blocked": { about: "A job waits because its project's budget is spent." },
  "job.dead": { about: "A job has failed for the last time." },
  "breaker.opened": { about: "A provider is not asked any more, for it keeps failing." },
  "breaker.closed": { about: "A provider is asked again." },
} as const satisfies Record<string, { readonly about: string }>;

export type EventType = keyof typeof events;
export const eventTypes = Object.keys(events) as EventType[];

/** What happened, as it is sent: the same JSON to everybody. */
export type OutgoingEvent = {
  /** UUIDv7; the same in every place it goes to, and each time it is tried. */
  readonly id: string;
  readonly type: EventType;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly data: EventData;
};

export type EventData = Readonly<Record<string, string | number | null>>;
