import { z } from "zod";
import { requireModel } from "../../calls/allowed-models.ts";
import type { Call } from "../../calls/call.ts";
import { type ChatRequest, chatRequest, tokensOf } from "../../calls/chat.ts";
import type { Payers } from "../../calls/payer.ts";
import { type RunDeps, run } from "../../calls/run.ts";
import { type Routes, type Target, targetOf } from "../../calls/target.ts";
import type { PriceBook } from "../../costs/prices.ts";
import { TollgateError } from "../../lib/errors.ts";
import { httpAnswer } from "../answer.ts";
import type { Endpoint } from "../endpoint.ts";

export type ChatDeps = RunDeps & {
  readonly routes: Routes;
  readonly prices: () => PriceBook;
  readonly payers: Payers;
};

/** Documents the fields that Tollgate decides on; every other field is the provider's and passes through. */
const chatBody = z
  .looseObject({
    model: z.string().min(1).max(256),
    messages: z.array(z.looseObject({ role: z.string() })).min(1),
    stream: z.boolean().nullish(),
    stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    max_tokens: z.int().min(1).nullish(),
    n: z.int().min(1).nullish(),
  })
  .meta({ id: "ChatCompletionRequest" });

type ChatVisitBody = {
  readonly asked: ChatRequest;
  readonly target: Target;
  readonly operation: string;
  readonly projectId: number | undefined;
};

export function chatRoutes(deps: ChatDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/v1/chat/completions",
      summary: "Chat completion in OpenAI's format, streaming or whole.",
      access: { credential: "caller", scope: "inference:write", class: "chat" },
      surface: "openai",
      isAiCall: true,
      body: chatBody,
      readBody(json, bytes, { headers, trace }): ChatVisitBody {
        const asked = chatRequest(json, bytes);
        const target = targetOf(deps.routes, deps.prices(), asked.model, deps.clock.now());
        requireModel(trace.visitor?.principal.key, asked.model, target);
        return {
          asked,
          target,
          operation: operationOf(oneHeader(headers["x-operation"])),
          projectId: projectIdOf(oneHeader(headers["x-project-id"])),
        };
      },
      tokensOf: (body) => tokensOf((body as ChatVisitBody).asked.bound),
      async handle({ request, reply, correlationId, visitor, callId, ticket }) {
        const { asked, target, operation, ...named } = request.body as ChatVisitBody;
        const { principal } = visitor;
        // Its key may have been read afresh since the body was.
        requireModel(principal.key, asked.model, target);
        const call: Call = {
          id: callId,
          correlationId,
          principal,
          projectId: await deps.payers.projectOf(principal, named.projectId),
          operation,
          endpointClass: "chat",
          request: asked,
          target,
          ticket,
        };
        request.trace.settled = await run(deps, call, httpAnswer(reply));
      },
    },
  ];
}

function oneHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function operationOf(header: string | undefined): string {
  if (header === undefined) return "chat";
  if (/^[a-z0-9._-]{1,64}$/.test(header)) return header;
  throw invalidHeader("X-Operation", "must be 1 to 64 of a-z 0-9 . _ -");
}

function projectIdOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(header)) return Number(header);
  throw invalidHeader("X-Project-Id", "must be the number of a project");
}

function invalidHeader(path: string, message: string): TollgateError {
  return new TollgateError("VALIDATION_FAILED", { faults: [{ path, message }] });
}
