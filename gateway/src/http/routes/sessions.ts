import { z } from "zod";
import { listSessions, revokeSessions, type Session } from "../../identity/sessions.ts";
import { type Clock, isoTime } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Db } from "../../store/tables.ts";
import type { Change } from "../../telemetry/change.ts";
import type { Endpoint } from "../endpoint.ts";
import { type Pages, pageOf, pageQuery } from "../pages.ts";
import { sessionOf } from "./accounts.ts";

export type SessionDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly change: Change;
  readonly pages: Pages;
};

const sessionAnswer = z
  .object({
    id: z.string(),
    created_at: z.string(),
    last_seen_at: z.string(),
    current: z.boolean(),
    method: z.enum(["password", "google"]),
    user_agent: z.string().nullable(),
    ip: z.string(),
  })
  .meta({ id: "Session" });

/** A session as HTTP and the command line show it. `current`: the id of the one that asks. */
export function sessionJson(session: Session, current?: string): z.infer<typeof sessionAnswer> {
  return {
    id: session.id,
    created_at: isoTime(session.createdAt.getTime()),
    last_seen_at: isoTime(session.lastSeenAt.getTime()),
    current: session.id === current,
    method: session.method,
    user_agent: session.userAgent,
    ip: session.address,
  };
}

const query = z.strictObject(pageQuery);
/** What is no such id names nothing, as one that is not taken. */
const sessionId = z.string().transform((text) => (z.uuid().safeParse(text).success ? text : NIL));
const NIL = "00000000-0000-0000-0000-000000000000";
const params = z.object({ id: sessionId });
const access = { credential: "caller", scope: "none", class: "manage", signedIn: true } as const;

/** A person's own sessions; nobody sees those of others (I6). */
export function sessionRoutes(deps: SessionDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/auth/sessions",
      summary: "One's own sessions that have not ended, newest first.",
      access,
      query,
      answer: pageOf(sessionAnswer),
      async handle({ request, visitor }) {
        const { limit, cursor } = request.query as z.infer<typeof query>;
        const after = deps.pages.after("sessions", cursor);
        const { userId } = visitor.principal;
        const sessions = await listSessions(deps, userId, { after, limit: limit + 1 });
        const { items, next_cursor } = deps.pages.page("sessions", sessions, limit, ({ id }) => id);
        return { items: items.map((session) => sessionJson(session, sessionOf(visitor))), next_cursor };
      },
    },
    {
      method: "DELETE",
      path: "/auth/sessions/:id",
      summary: "Ends one of one's own sessions.",
      access,
      params,
      answerStatus: 204,
      async handle({ request, visitor, cause }) {
        const { id } = request.params as z.infer<typeof params>;
        const ended = await revokeSessions(deps, cause(), visitor.principal.userId, { only: id });
        if (ended === 0) throw new TollgateError("NOT_FOUND");
      },
    },
    {
      method: "DELETE",
      path: "/auth/sessions",
      summary: "Ends all of one's own sessions but this one.",
      access,
      answerStatus: 204,
      async handle({ visitor, cause }) {
        const { userId } = visitor.principal;
        await revokeSessions(deps, cause(), userId, { except: sessionOf(visitor) });
      },
    },
  ];
}
