import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { requireModel } from "../../calls/allowed-models.ts";
import type { Call } from "../../calls/call.ts";
import { countFormat, countTokens } from "../../calls/count-tokens.ts";
import {
  chatFormat,
  embeddingsFormat,
  type Format,
  messagesFormat,
  responsesFormat,
} from "../../calls/formats.ts";
import type { Payers } from "../../calls/payer.ts";
import { type AiRequest, aiRequest, tokensOf } from "../../calls/request.ts";
import { type Route, type RouteDeps, routeOf } from "../../calls/route.ts";
import { type RunDeps, run } from "../../calls/run.ts";
import { httpAnswer } from "../answer.ts";
import type { Endpoint } from "../endpoint.ts";
import { oneHeader, operationNamed, projectNamed } from "../headers.ts";

export type AiDeps = RunDeps & RouteDeps & { readonly payers: Payers };

/** The bodies document the fields that Tollgate decides on; every other field is the provider's and passes through. */
const asked = {
  model: z.string().min(1).max(256),
  stream: z.boolean().nullish(),
};
const messages = z.array(z.looseObject({ role: z.string() })).min(1);

const chatBody = z
  .looseObject({
    ...asked,
    messages,
    stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
    max_completion_tokens: z.int().min(1).nullish(),
    max_tokens: z.int().min(1).nullish(),
    n: z.int().min(1).nullish(),
  })
  .meta({ id: "ChatCompletionRequest" });

const responsesBody = z
  .looseObject({
    ...asked,
    input: z.union([z.string(), z.array(z.looseObject({}))]).optional(),
    instructions: z.string().nullish(),
    max_output_tokens: z.int().min(1).nullish(),
  })
  .meta({ id: "ResponseRequest" });

const embeddingsBody = z
  .looseObject({ model: asked.model, input: z.union([z.string(), z.array(z.unknown()).min(1)]) })
  .meta({ id: "EmbeddingRequest" });

const messagesBody = z
  .looseObject({ ...asked, messages, max_tokens: z.int().min(1) })
  .meta({ id: "MessageRequest" });

/** Every way to ask for AI work. */
export function aiRoutes(deps: AiDeps): readonly Endpoint[] {
  return [
    endpoint(deps, chatFormat, "/v1/chat/completions", chatBody, "Chat completion in OpenAI's format"),
    endpoint(deps, responsesFormat, "/v1/responses", responsesBody, "Response in OpenAI's format"),
    endpoint(deps, embeddingsFormat, "/v1/embeddings", embeddingsBody, "Embeddings in OpenAI's format"),
    endpoint(deps, messagesFormat, "/v1/messages", messagesBody, "Message in Anthropic's format"),
    countEndpoint(deps),
  ];
}

/** Costs nothing, so it is no AI call: no quota counts it, nothing is reserved. */
function countEndpoint(deps: AiDeps): Endpoint {
  return {
    method: "POST",
    path: "/v1/messages/count_tokens",
    summary: "How many input tokens a message in Anthropic's format would have.",
    access: { credential: "caller", scope: "inference:write", class: "manage" },
    surface: "anthropic",
    takesLargeBody: true,
    body: z.looseObject({ model: asked.model, messages }).meta({ id: "CountTokensRequest" }),
    readBody: (json, bytes) => aiRequest(countFormat, json, bytes),
    answer: z.object({ input_tokens: z.int() }).meta({ id: "TokenCount" }),
    async handle({ request, reply, visitor }) {
      const counted = request.body as AiRequest;
      const permit = requireModel(visitor.principal.key, counted.model);
      const asMessage = { ...counted, format: messagesFormat };
      const route = routeOf(deps, { request: asMessage, now: deps.clock.now(), permit });
      const about = { route, headers: clientHeaders(request), answer: httpAnswer(reply) };
      const { inputTokens, isEstimate } = await countTokens(deps, counted, about);
      if (isEstimate) reply.header("x-tollgate-estimated", "true");
      return { input_tokens: inputTokens };
    },
  };
}

type AiVisitBody = {
  readonly request: AiRequest;
  readonly route: Route;
  readonly operation: string;
  readonly projectId: number | undefined;
};

function endpoint(deps: AiDeps, format: Format, path: string, body: z.ZodType, summary: string): Endpoint {
  return {
    method: "POST",
    path,
    summary: format.mayStream ? `${summary}, streaming or whole.` : `${summary}.`,
    access: { credential: "caller", scope: "inference:write", class: "chat" },
    surface: format.surface,
    isAiCall: true,
    body,
    readBody(json, bytes, { headers, tollgateTrace: trace }): AiVisitBody {
      const request = aiRequest(format, json, bytes);
      const key = trace.visitor?.principal.key;
      const permit = requireModel(key, request.model);
      return {
        request,
        route: routeOf(deps, { request, now: deps.clock.now(), permit }),
        operation: operationNamed(headers) ?? format.operation,
        projectId: projectNamed(headers),
      };
    },
    tokensOf: (read) => tokensOf((read as AiVisitBody).request.bound),
    async handle({ request, reply, correlationId, visitor, callId, ticket }) {
      const { route, operation, projectId, ...read } = request.body as AiVisitBody;
      const { principal } = visitor;
      // Its key may have been read afresh since the body was.
      const permit = requireModel(principal.key, read.request.model);
      for (const target of route.targets) permit(target);
      const call: Call = {
        id: callId,
        correlationId,
        principal,
        projectId: await deps.payers.projectOf(principal, projectId),
        operation,
        endpointClass: "chat",
        request: read.request,
        route,
        headers: clientHeaders(request),
        ticket,
      };
      request.tollgateTrace.settled = await run(deps, call, httpAnswer(reply));
    },
  };
}

/** What a provider may be told of the client's own headers; which of them it takes, it knows. */
function clientHeaders({ headers }: FastifyRequest): Readonly<Record<string, string>> {
  const told: Record<string, string> = {};
  for (const name of ["anthropic-version", "anthropic-beta", "openai-beta"]) {
    const value = oneHeader(headers[name]);
    if (value !== undefined) told[name] = value;
  }
  return told;
}
