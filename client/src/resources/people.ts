import type { Caller } from "../caller.ts";
import type { Body, Listing, Query } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

/** One's own sessions. */
export function sessionsResource(call: Caller) {
  return {
    list: (query?: Listing, options?: CallOptions) => call.list("GET /auth/sessions", { query }, options),
    end: (id: string, options?: CallOptions) =>
      call.request("DELETE /auth/sessions/{id}", { path: { id } }, options),
    endOthers: (options?: CallOptions) => call.request("DELETE /auth/sessions", {}, options),
  };
}

/** API keys. The full text of one is in the answer to `create` or `rotate`, and nowhere else. */
export function keysResource(call: Caller) {
  return {
    create: (body: Body<"POST /auth/api-keys">, options?: CallOptions) =>
      call.request("POST /auth/api-keys", { body }, options),
    list: (query?: Query<"GET /auth/api-keys">, options?: CallOptions) =>
      call.list("GET /auth/api-keys", { query }, options),
    get: (id: number, options?: CallOptions) =>
      call.request("GET /auth/api-keys/{id}", { path: { id } }, options),
    update: (id: number, body: Body<"PATCH /auth/api-keys/{id}">, options?: CallOptions) =>
      call.request("PATCH /auth/api-keys/{id}", { path: { id }, body }, options),
    rotate: (id: number, body: Body<"POST /auth/api-keys/{id}/rotate"> = {}, options?: CallOptions) =>
      call.request("POST /auth/api-keys/{id}/rotate", { path: { id }, body }, options),
    revoke: (id: number, query?: Query<"DELETE /auth/api-keys/{id}">, options?: CallOptions) =>
      call.request("DELETE /auth/api-keys/{id}", { path: { id }, query }, options),
  };
}

/** Everybody, for administrators. */
export function usersResource(call: Caller) {
  return {
    list: (query?: Query<"GET /admin/users">, options?: CallOptions) =>
      call.list("GET /admin/users", { query }, options),
    get: (id: string, options?: CallOptions) =>
      call.request("GET /admin/users/{id}", { path: { id } }, options),
    update: (id: string, body: Body<"PATCH /admin/users/{id}">, options?: CallOptions) =>
      call.request("PATCH /admin/users/{id}", { path: { id }, body }, options),
    /** For ever: the ledger keeps the id. */
    erase: (id: string, options?: CallOptions) =>
      call.request("DELETE /admin/users/{id}", { path: { id } }, options),
  };
}
