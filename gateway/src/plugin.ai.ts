import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { Engine } from "./app.engine.ts";
import type { Asked } from "./calls/ask.ts";
import { jsonIn } from "./calls/json-answer.ts";
import { repeat } from "./calls/repeat.ts";
import { warm } from "./calls/warm.ts";
import type { Settlement } from "./costs/ledger.ts";
import { asTollgateError } from "./http/refusals.ts";
import { uuidv7 } from "./lib/ids.ts";
import { usdText } from "./lib/money.ts";
import type { Ticket } from "./limits/ticket.ts";
import type { Ai, AiEnd, AiQuestion, JsonSchema } from "./plugin.ts";

type AiDeps = Pick<Engine, "ask" | "askInPieces" | "runDeps" | "asking" | "usualModel" | "clock" | "chance">;

/** AI calls in the name of whoever sent the request, counted against what its limits took. */
export function aiOf(deps: AiDeps, request: FastifyRequest): Ai {
  const { trace, routeOptions } = request;
  const named = routeOptions.config.tollgate;
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

  function asked(question: AiQuestion): Asked & { readonly ticket: Ticket } {
    const signals = question.signal === undefined ? [left!] : [left!, question.signal];
    const body = bodyOf(question, deps.usualModel());
    return { ...newCall(), body, signal: AbortSignal.any(signals) };
  }

  function ended(settlement: Settlement): AiEnd {
    trace.settled = settlement;
    const { id, provider, model, usage, costPico } = settlement;
    return { callId: id, provider, model, usage, costUsd: usdText(costPico) };
  }

  return {
    async generate<T>(question: AiQuestion<T>) {
      const call = asked(question);
      try {
        const { text, settlement } = await deps.ask(call);
        const end = { text, ...ended(settlement) };
        return question.schema === undefined ? end : { ...end, json: fitting(question.schema, text) };
      } catch (error) {
        throw asLeftOrOurs(error, call);
      } finally {
        await call.ticket.giveBack();
      }
    },
    async *stream(question) {
      const call = asked(question);
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

function bodyOf(
  { messages, model, maxTokens, temperature, schema }: AiQuestion,
  usualModel: string | undefined,
): Readonly<Record<string, unknown>> {
  return {
    model: model ?? usualModel,
    messages,
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(schema === undefined
      ? {}
      : {
          response_format: { type: "json_schema", json_schema: { name: "answer", schema: asJson(schema) } },
        }),
  };
}

function asJson(schema: z.ZodType | JsonSchema): unknown {
  return isZod(schema) ? z.toJSONSchema(schema, { unrepresentable: "any" }) : schema;
}

function fitting<T>(schema: z.ZodType<T> | JsonSchema, text: string): T | undefined {
  const type = isZod(schema) ? schema : (z.fromJSONSchema(schema) as z.ZodType<T>);
  const read = type.safeParse(jsonIn(text));
  return read.success ? read.data : undefined;
}

/** An app may have a zod of its own. */
function isZod<T>(schema: z.ZodType<T> | JsonSchema): schema is z.ZodType<T> {
  return "_zod" in schema;
}
