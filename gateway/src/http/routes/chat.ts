import { z } from "zod";
import type { ChatRequest } from "../../calls/chat.ts";
import { chatRequest } from "../../calls/chat.ts";
import type { Payers } from "../../calls/payer.ts";
import { type RunDeps, run } from "../../calls/run.ts";
import type { Routes } from "../../calls/target.ts";
import { type Target, targetOf } from "../../calls/target.ts";
import type { PriceBook } from "../../costs/prices.ts";
import { TollgateError } from "../../lib/errors.ts";
import { type Chance, uuidv7 } from "../../lib/ids.ts";
import { httpAnswer } from "../answer.ts";
import type { Endpoint } from "../endpoint.ts";

export type ChatDeps = RunDeps & {
  readonly chance: Chance;
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

type ChatVisitBody = { readonly asked: ChatRequest; readonly target: Target };

export function chatRoutes(deps: ChatDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/v1/chat/completions",
      summary: "Chat completion in OpenAI's format, streaming or whole.",
      access: { credential: "caller", scope: "inference:write", class: "chat" },
      isAiCall: true,
      body: chatBody,
      readBody(json, bytes): ChatVisitBody {
        const asked = chatRequest(json, bytes);
        return { asked, target: targetOf(deps.routes, deps.prices(), asked.model, deps.clock.now()) };
      },
      async handle({ request, reply, correlationId, visitor }) {
        const { asked, target } = request.body as ChatVisitBody;
        const { principal } = visitor;
        const projectId = await deps.payers.projectOf(principal, oneHeader(request.headers["x-project-id"]));
        const operation = operationOf(oneHeader(request.headers["x-operation"])) ?? "chat";
        const id = uuidv7(deps.clock.now(), deps.chance);
        const settled = await run(
          deps,
          {
            id,
            correlationId,
            principal,
            projectId,
            operation,
            endpointClass: "chat",
            request: asked,
            target,
          },
          httpAnswer(reply),
        );
        request.trace.settled = settled;
      },
    },
  ];
}

function oneHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(",") : value;
}

function operationOf(header: string | undefined): string | undefined {
  if (header === undefined || /^[a-z0-9._-]{1,64}$/.test(header)) return header;
  throw new TollgateError("VALIDATION_FAILED", {
    faults: [{ path: "X-Operation", message: "must be 1 to 64 of a-z 0-9 . _ -" }],
  });
}
