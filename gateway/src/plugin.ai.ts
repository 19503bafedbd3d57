import type { FastifyRequest } from "fastify";
import type { Engine } from "./app.engine.ts";
import type { Asked } from "./calls/ask.ts";
import { repeat } from "./calls/repeat.ts";
import { warm } from "./calls/warm.ts";
import type { Settlement } from "./costs/ledger.ts";
import { asTollgateError } from "./http/refusals.ts";
import { uuidv7 } from "./lib/ids.ts";
import { usdText } from "./lib/money.ts";
import type { Ticket } from "./limits/ticket.ts";
import { readQuestion } from "./plugin.question.ts";
import type { Ai, AiEnd } from "./plugin.ts";

type AiDeps = Pick<Engine, "ask" | "askInPieces" | "runDeps" | "asking" | "usualModel" | "clock" | "chance">;

/** AI calls in the name of whoever sent the request, counted against what its limits took. */
export function aiOf(deps: AiDeps, request: FastifyRequest): Ai {
  const { tollgateTrace: trace, routeOptions } = request;
  const named = routeOptions.config.tollgate || undefined;
  if (named?.isAiCall !== true || trace?.requestTicket === undefined) {
    throw new Error("no model may be asked: the route does not name config.tollgate with isAiCall");
  }
  const { visitor, left, projectId, requestTicket, correlationId } = trace;
  const { principal } = visitor!;
  const { operation = named.class, class: endpointClass } = named;

  /** One call: what is the same of all of them, and its own id and part of the ticket. */
  function newCall() {
    const callId = uuidv7(deps.clock.now(), deps.chance);
    return {
      principal,
      projectId,
      operation,
      endpointClass,
      correlationId,
      callId,
      ticket: requestTicket!.part(),
    };
  }

  function asked(body: Asked["body"], signal: AbortSignal | undefined): Asked & { readonly ticket: Ticket } {
    const signals = signal === undefined ? [left!] : [left!, signal];
    return { ...newCall(), body, signal: AbortSignal.any(signals) };
  }

  function ended(settlement: Settlement): AiEnd {
    trace.settled = settlement;
    const { id, provider, model, usage, costPico } = settlement;
    return { callId: id, provider, model, usage, costUsd: usdText(costPico) };
  }

  return {
    async generate(question) {
      const { body, signal, fitting } = readQuestion(question, deps.usualModel());
      const call = asked(body, signal);
      try {
        const { text, settlement } = await deps.ask(call);
        const end = { text, ...ended(settlement) };
        return fitting === undefined ? end : { ...end, json: fitting(text) };
      } catch (error) {
        throw asLeftOrOurs(error, call);
      } finally {
        await call.ticket.giveBack();
      }
    },
    async *stream(question) {
      const { body, signal } = readQuestion(question, deps.usualModel());
      const call = asked(body, signal);
      try {
        return ended(yield* deps.askInPieces(call));
      } catch (error) {
        throw asLeftOrOurs(error, call);
      } finally {
        await call.ticket.giveBack();
      }
    },
    async repeat({ model }) {
      const call = { ...newCall(), model, startedAt: trace.startedAt };
      return ended(await repeat(deps.runDeps, call));
    },
    warm: (model) => warm({ ...deps.runDeps, ...deps.asking }, principal, model ?? deps.usualModel()),
  };
}

function asLeftOrOurs(error: unknown, { signal }: Asked): unknown {
  return signal.aborted ? error : asTollgateError(error);
}
