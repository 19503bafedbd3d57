import type { Settlement } from "../costs/ledger.ts";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Ticket } from "../limits/ticket.ts";
import { fieldsOf, objectsOf, parsedObject } from "../providers/json.ts";
import { requireModel } from "./allowed-models.ts";
import type { Answer, Call } from "./call.ts";
import { chatFormat } from "./formats.ts";
import { aiRequest } from "./request.ts";
import { type RouteDeps, routeOf } from "./route.ts";
import { type RunDeps, run } from "./run.ts";

/** An AI call that Tollgate itself makes for somebody: for a job, or an app. */
export type Asked = {
  readonly principal: Principal;
  /** Who pays besides the user; undefined: nobody. */
  readonly projectId: number | undefined;
  readonly operation: string;
  readonly endpointClass: string;
  readonly correlationId: string;
  /** UUIDv7 of its ledger row. */
  readonly callId: string;
  /** A chat completion in OpenAI's format. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Leaves the call, as a client that hangs up. */
  readonly signal: AbortSignal;
  /** Of limits that are to hear of its tokens. */
  readonly ticket?: Ticket;
};

/**
 * Answers the text of the first choice when the call is settled. Throws TollgateError as a client would meet it, and the
 * signal's reason if the call was left.
 */
export type Ask = (asked: Asked) => Promise<{ readonly text: string; readonly settlement: Settlement }>;

/** What Tollgate asks for itself has passed its limits before. */
const noTicket: Ticket = { settle: async () => {}, giveBack: async () => true };

export function asker(deps: RunDeps & RouteDeps): Ask {
  return async (asked) => {
    const { signal } = asked;
    signal.throwIfAborted();
    const answer = keptAnswer(signal);
    const settlement = await run(deps, callFor(deps, asked, false), answer);
    const body = answer.body();
    // A whole answer is paid for, and given even to whoever stopped waiting while it was booked.
    if (body.length === 0) signal.throwIfAborted();
    return { text: textOf(body), settlement };
  };
}

/** Throws what a client meets whose body is at fault, or asks for what there is not. */
export function callFor(deps: RunDeps & RouteDeps, asked: Asked, stream: boolean): Call {
  const { principal, callId, body, signal: _, ticket = noTicket, ...about } = asked;
  const request = aiRequest(chatFormat, { ...body, stream }, Buffer.byteLength(JSON.stringify(body)));
  const permit = requireModel(principal.key, request.model);
  const route = routeOf(deps, { request, now: deps.clock.now(), permit });
  return { ...about, id: callId, principal, request, route, headers: {}, ticket };
}

/** Throws PROVIDER_FAILED for an answer that says nothing. */
export function textOf(body: Buffer): string {
  const [choice] = objectsOf(parsedObject(body.toString())?.choices);
  const { content, refusal } = fieldsOf(choice?.message);
  if (typeof content === "string") return content;
  const cause = new Error(`no text in the answer; refusal: ${String(refusal)}`);
  throw new TollgateError("PROVIDER_FAILED", undefined, { cause });
}

/** An answer that is read when it is whole. */
function keptAnswer(signal: AbortSignal): Answer & { body(): Buffer } {
  const parts: Buffer[] = [];
  return {
    isOpen: () => !signal.aborted,
    begin() {},
    write: (bytes) => parts.push(bytes) > 0,
    end: (bytes) => void parts.push(bytes),
    abandon() {},
    onDrain() {},
    onGone: (listener) => signal.addEventListener("abort", listener, { once: true }),
    body: () => Buffer.concat(parts),
  };
}
