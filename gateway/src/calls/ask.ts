import type { Settlement } from "../costs/ledger.ts";
import type { Principal } from "../identity/principal.ts";
import { TollgateError } from "../lib/errors.ts";
import type { Ticket } from "../limits/ticket.ts";
import { fieldsOf, objectsOf, parsedObject } from "../providers/json.ts";
import { requireModel } from "./allowed-models.ts";
import type { Answer } from "./call.ts";
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
};

/**
 * Answers the text of the first choice when the call is settled. Throws TollgateError as a client would meet it, and the
 * signal's reason if the call was left.
 */
export type Ask = (asked: Asked) => Promise<{ readonly text: string; readonly settlement: Settlement }>;

/** What Tollgate asks for itself has passed its limits before. */
const noTicket: Ticket = { settle: async () => {}, giveBack: async () => true };

export function asker(deps: RunDeps & RouteDeps): Ask {
  return async ({ principal, callId, body, signal, ...about }) => {
    signal.throwIfAborted();
    const request = aiRequest(
      chatFormat,
      { ...body, stream: false },
      Buffer.byteLength(JSON.stringify(body)),
    );
    const permit = requireModel(principal.key, request.model);
    const route = routeOf(deps, { request, now: deps.clock.now(), permit });
    const answer = keptAnswer(signal);
    const call = { ...about, id: callId, principal, request, route, headers: {}, ticket: noTicket };
    const settlement = await run(deps, call, answer);
    signal.throwIfAborted();
    return { text: textOf(answer.body()), settlement };
  };
}

function textOf(body: Buffer): string {
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
