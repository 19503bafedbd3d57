import type { Caller } from "../caller.ts";
import type { Body, Listing } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

type Overrides = Body<"PATCH /admin/users/{id}/limits">;
type Reset = Body<"POST /admin/users/{id}/limits/reset">;
export type CooldownKind = "key" | "user" | "address" | "guest";

/** What one may still use; for administrators that of others, too. */
export function limitsResource(call: Caller) {
  return {
    own: (options?: CallOptions) => call.request("GET /v1/limits", {}, options),
    ofUser: (id: string, options?: CallOptions) =>
      call.request("GET /admin/users/{id}/limits", { path: { id } }, options),
    override: (id: string, body: Overrides, options?: CallOptions) =>
      call.request("PATCH /admin/users/{id}/limits", { path: { id }, body }, options),
    reset: (id: string, body: Reset, options?: CallOptions) =>
      call.request("POST /admin/users/{id}/limits/reset", { path: { id }, body }, options),
    cooldowns: (options?: CallOptions) => call.list("GET /admin/cooldowns", {}, options),
    endCooldown: (kind: CooldownKind, subject: string, options?: CallOptions) =>
      call.request("DELETE /admin/cooldowns/{kind}/{subject}", { path: { kind, subject } }, options),
  };
}

/** Named limits that users and keys can have. */
export function plansResource(call: Caller) {
  return {
    list: (query?: Listing, options?: CallOptions) => call.list("GET /admin/plans", { query }, options),
    set: (name: string, body: Body<"PUT /admin/plans/{name}">, options?: CallOptions) =>
      call.request("PUT /admin/plans/{name}", { path: { name }, body }, options),
    delete: (name: string, options?: CallOptions) =>
      call.request("DELETE /admin/plans/{name}", { path: { name } }, options),
  };
}
