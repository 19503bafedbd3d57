import type { Caller } from "../caller.ts";
import type { Body, Listing, Query } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

/** What somebody wrote down, questions about it, and the plan that is made of its actions. */
export function thoughtsResource(call: Caller) {
  return {
    capture: (body: Body<"POST /v1/capture/thought">, options?: CallOptions) =>
      call.request("POST /v1/capture/thought", { body }, options),
    ask: (body: Body<"POST /v1/query/ask">, options?: CallOptions) =>
      call.request("POST /v1/query/ask", { body }, options),
    list: (query?: Listing, options?: CallOptions) => call.list("GET /v1/thoughts", { query }, options),
    get: (id: number, options?: CallOptions) =>
      call.request("GET /v1/thoughts/{id}", { path: { id } }, options),
    update: (id: number, body: Body<"PATCH /v1/thoughts/{id}">, options?: CallOptions) =>
      call.request("PATCH /v1/thoughts/{id}", { path: { id }, body }, options),
    delete: (id: number, options?: CallOptions) =>
      call.request("DELETE /v1/thoughts/{id}", { path: { id } }, options),
    plan: (query?: Query<"GET /v1/plan">, options?: CallOptions) =>
      call.request("GET /v1/plan", { query }, options),
    refreshPlan: (options?: CallOptions) => call.request("POST /v1/plan/refresh", {}, options),
  };
}

/** The assistant, for somebody who is signed in, in an app that has a key. */
export function assistResource(call: Caller) {
  return {
    chat: (body: Body<"POST /v1/assist/chat">, options?: CallOptions) =>
      call.request("POST /v1/assist/chat", { body }, options),
    warmup: (body: Body<"POST /v1/assist/warmup"> = {}, options?: CallOptions) =>
      call.request("POST /v1/assist/warmup", { body }, options, { isRepeatable: true }),
  };
}
