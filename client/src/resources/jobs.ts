import type { Caller } from "../caller.ts";
import type { Body, Query } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

export function jobsResource(call: Caller) {
  return {
    /** Under an idempotency key, of its own if none is given: sent twice, it is still one job. */
    create(body: Body<"POST /jobs">, options?: CallOptions) {
      const keyed = { ...body, idempotency_key: body.idempotency_key ?? newIdempotencyKey() };
      return call.request("POST /jobs", { body: keyed }, options, { isRepeatable: true });
    },
    list: (query?: Query<"GET /jobs">, options?: CallOptions) => call.list("GET /jobs", { query }, options),
    get: (id: number, options?: CallOptions) => call.request("GET /jobs/{id}", { path: { id } }, options),
    cancel: (id: number, options?: CallOptions) =>
      call.request("POST /jobs/{id}/cancel", { path: { id } }, options),
    /** Those that have failed for the last time. */
    deadLetters: (query?: Query<"GET /jobs/dead-letter">, options?: CallOptions) =>
      call.list("GET /jobs/dead-letter", { query }, options),
    /** Begins a dead letter anew. */
    retry: (id: number, options?: CallOptions) =>
      call.request("POST /jobs/{id}/retry", { path: { id } }, options),
    /** Deletes a dead letter. */
    discard: (id: number, options?: CallOptions) =>
      call.request("DELETE /jobs/{id}", { path: { id } }, options),
  };
}

/** `crypto.randomUUID` is missing in pages that came over plain HTTP. */
function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
