import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Gate, Visitor } from "../calls/enter.ts";
import type { TokenEstimate } from "../limits/applicable.ts";
import type { Surface } from "../limits/headers.ts";
import type { Ticket } from "../limits/ticket.ts";
import type { Cause } from "../telemetry/change.ts";
import type { Socket } from "./sockets.ts";

/**
 * Who may come in. `caller`: identified, authorised by scope, limited; `ignoresAuthorization`: by the headers for API
 * keys alone. `internal`: the internal token. `operator`: the token in the data folder of the embedded default.
 * `metrics`: loopback, or the internal token. `nobody` in particular: public.
 */
export type Access =
  | ({ readonly credential: "caller"; readonly ignoresAuthorization?: true } & Gate)
  | { readonly credential: "internal" | "operator" | "metrics" }
  /** `coolsDown`: not for addresses in a cooldown. */
  | { readonly credential: "nobody"; readonly coolsDown?: true };

/** Everything there is to know about a route, but for what it does (design, rule 6). */
export type Governed = {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Fastify's pattern: `/v1/models/:model`. */
  readonly path: string;
  /** The same endpoint under other paths. */
  readonly alsoAt?: readonly string[];
  readonly summary: string;
  /** False: not with these settings; the route is not there at all. */
  readonly exists?: boolean;
  readonly access: Access;
  /** Whose clients call it, and read its errors and limits; undefined: ours. */
  readonly surface?: Surface;
  /** AI routes take larger bodies, and the provider decides about most of their fields. */
  readonly isAiCall?: boolean;
  /** Its bodies may be as large as those of AI calls. */
  readonly takesLargeBody?: boolean;
  /** Of an AI call's body, as `readBody` read it: what its limits on tokens are to hold. */
  readonly tokensOf?: (body: unknown) => TokenEstimate;
  /**
   * Whether it is answered when the house is full: `always`, or from the part that is kept free (`reserved`). Else it
   * is work, and refused first.
   */
  readonly priority?: "always" | "reserved";
  /**
   * The same as a WebSocket. Throws what the visitor is refused with. Such an endpoint stays open, and has a limit of
   * its own: it is none of the requests under way.
   */
  readonly socket?: (socket: Socket, visitor: Visitor, request: FastifyRequest) => void;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /**
   * Reads the parsed JSON, its length in bytes and the request, whose visitor is known, instead of the `body` schema,
   * which then only documents the body. Throws what is wrong with them; nothing has been consumed yet.
   */
  readonly readBody?: (json: unknown, bytes: number, request: FastifyRequest) => unknown;
  /** Schema of the 200 or 201 answer; also what OpenAPI shows. */
  readonly answer?: z.ZodType;
  readonly answerStatus?: 200 | 201 | 204;
};

/** One row of the endpoint table. */
export type Endpoint = Governed & {
  /** Returns the answer's body, or undefined if it has written the answer itself. */
  handle(visit: Visit): Promise<unknown>;
};

/** One request on its way through. */
export type Visit = {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly correlationId: string;
  /** Set for `caller` endpoints. */
  readonly visitor: Visitor;
  /** Set for AI calls: the call's id, and what its limits took. */
  readonly callId: string;
  readonly ticket: Ticket;
  /** The client's address, as `clientAddress` found it. */
  readonly address: string;
  /** Who asks, for the audit log. */
  readonly cause: () => Cause;
};
