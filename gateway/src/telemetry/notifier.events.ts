/** Whom an event concerns, by what its data says. Administrators see every event, and alone what is of the platform. */
type Concerns =
  /** `project_id`. */
  | "project"
  /** `scope` and `scope_id`: whose budget it is. */
  | "budget"
  | "platform";

/** Everything that people outside are told of, by webhook, by e-mail and live. */
export const events = {
  "budget.warning": { about: "A budget is 80 % spent.", concerns: "budget" },
  "budget.critical": { about: "A budget is 95 % spent.", concerns: "budget" },
  "budget.exceeded": { about: "A budget is all spent.", concerns: "budget" },
  "job.blocked": { about: "A job waits because its project's budget is spent.", concerns: "project" },
  "job.dead": { about: "A job has failed for the last time.", concerns: "project" },
  "breaker.opened": {
    about: "A provider is not asked any more, for it keeps failing.",
    concerns: "platform",
  },
  "breaker.closed": { about: "A provider is asked again.", concerns: "platform" },
} as const satisfies Record<string, { readonly about: string; readonly concerns: Concerns }>;

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

/** Who may see an event live, besides administrators; at most one of these. */
export type Concerned = {
  readonly projectId?: number;
  readonly teamId?: number;
  readonly userId?: string;
  /** Its owner. */
  readonly keyId?: number;
};

export function concernedBy(type: EventType, data: EventData): Concerned {
  const { concerns } = events[type];
  if (concerns === "platform") return {};
  if (concerns === "project") return { projectId: Number(data.project_id) };
  switch (data.scope) {
    case "project":
      return { projectId: Number(data.scope_id) };
    case "team":
      return { teamId: Number(data.scope_id) };
    case "key":
      return { keyId: Number(data.scope_id) };
    case "user":
      return { userId: String(data.scope_id) };
    default:
      return {};
  }
}
