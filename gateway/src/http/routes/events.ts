import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { type Live, listenersGate } from "../../calls/live.ts";
import type { Clock } from "../../lib/clock.ts";
import { TollgateError } from "../../lib/errors.ts";
import type { Endpoint } from "../endpoint.ts";
import { socketListener, streamListener } from "../event-listeners.ts";
import { oneHeader } from "../headers.ts";

export type EventDeps = { readonly live: Pick<Live, "join">; readonly clock: Clock };

const query = z.strictObject({ since: z.uuid().optional() });

/** What happens, while it happens (J5). */
export function eventRoutes({ live, clock }: EventDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/v1/events",
      summary: "What happens, while it happens: as text/event-stream, or as WebSocket.",
      access: { credential: "caller", ...listenersGate },
      priority: "reserved",
      query,
      socket(socket, visitor, request) {
        const leave = live.join(visitor, sinceIn(request), socketListener(clock, socket));
        socket.on("close", leave);
      },
      async handle({ request, reply, visitor }) {
        if (!/\btext\/event-stream\b/i.test(request.headers.accept ?? "")) {
          throw new TollgateError("NOT_ACCEPTABLE");
        }
        const listener = streamListener(clock, reply);
        listener.begin(live.join(visitor, sinceIn(request), listener));
      },
    },
  ];
}

/** The header is newer: whoever connects again by itself still asks for the same URL. */
function sinceIn({ headers, query: asked }: FastifyRequest): string | undefined {
  const last = z.uuid().safeParse(oneHeader(headers["last-event-id"]));
  return last.data ?? (asked as z.infer<typeof query>).since;
}
