import type { Caller } from "../caller.ts";
import type { Body, Listing, Query } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

/** Who changed what, newest first. */
export function auditResource(call: Caller) {
  return {
    list: (query?: Query<"GET /admin/audit">, options?: CallOptions) =>
      call.list("GET /admin/audit", { query }, options),
  };
}

/** The signing secret is in the answer to `create`, and nowhere else. */
export function webhooksResource(call: Caller) {
  return {
    create: (body: Body<"POST /admin/webhooks">, options?: CallOptions) =>
      call.request("POST /admin/webhooks", { body }, options),
    list: (query?: Listing, options?: CallOptions) => call.list("GET /admin/webhooks", { query }, options),
    delete: (id: number, options?: CallOptions) =>
      call.request("DELETE /admin/webhooks/{id}", { path: { id } }, options),
  };
}

export function breakersResource(call: Caller) {
  return {
    list: (options?: CallOptions) => call.list("GET /admin/breakers", {}, options),
    reset: (provider: string, options?: CallOptions) =>
      call.request("POST /admin/breakers/{provider}/reset", { path: { provider } }, options, repeatable),
  };
}

export function providersResource(call: Caller) {
  return {
    list: (options?: CallOptions) => call.list("GET /admin/providers", {}, options),
    set: (name: string, body: Body<"PUT /admin/providers/{name}">, options?: CallOptions) =>
      call.request("PUT /admin/providers/{name}", { path: { name }, body }, options),
    test: (name: string, options?: CallOptions) =>
      call.request("POST /admin/providers/{name}/test", { path: { name } }, options, repeatable),
    remove: (name: string, options?: CallOptions) =>
      call.request("DELETE /admin/providers/{name}", { path: { name } }, options),
  };
}

const repeatable = { isRepeatable: true };
