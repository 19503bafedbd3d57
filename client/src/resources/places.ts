import type { Caller } from "../caller.ts";
import type { Body, Listing, Query } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

export function projectsResource(call: Caller) {
  return {
    create: (body: Body<"POST /projects">, options?: CallOptions) =>
      call.request("POST /projects", { body }, options),
    list: (query?: Query<"GET /projects">, options?: CallOptions) =>
      call.list("GET /projects", { query }, options),
    get: (id: number, options?: CallOptions) => call.request("GET /projects/{id}", { path: { id } }, options),
    update: (id: number, body: Body<"PATCH /projects/{id}">, options?: CallOptions) =>
      call.request("PATCH /projects/{id}", { path: { id }, body }, options),
    delete: (id: number, options?: CallOptions) =>
      call.request("DELETE /projects/{id}", { path: { id } }, options),
  };
}

export function teamsResource(call: Caller) {
  return {
    create: (body: Body<"POST /teams">, options?: CallOptions) =>
      call.request("POST /teams", { body }, options),
    list: (query?: Query<"GET /teams">, options?: CallOptions) => call.list("GET /teams", { query }, options),
    get: (id: number, options?: CallOptions) => call.request("GET /teams/{id}", { path: { id } }, options),
    update: (id: number, body: Body<"PATCH /teams/{id}">, options?: CallOptions) =>
      call.request("PATCH /teams/{id}", { path: { id }, body }, options),
    delete: (id: number, options?: CallOptions) =>
      call.request("DELETE /teams/{id}", { path: { id } }, options),
  };
}

export type PlaceKind = "projects" | "teams";
type NewMember = Body<"POST /projects/{id}/members">;
type MemberRole = Body<"PATCH /projects/{id}/members/{userId}">;

/** Who belongs to a project or team. */
export function membersResource(call: Caller) {
  return {
    list: (kind: PlaceKind, id: number, query?: Listing, options?: CallOptions) =>
      call.list(`GET /${kind}/{id}/members`, { path: { id }, query }, options),
    add: (kind: PlaceKind, id: number, body: NewMember, options?: CallOptions) =>
      call.request(`POST /${kind}/{id}/members`, { path: { id }, body }, options),
    update: (kind: PlaceKind, id: number, userId: string, body: MemberRole, options?: CallOptions) =>
      call.request(`PATCH /${kind}/{id}/members/{userId}`, { path: { id, userId }, body }, options),
    remove: (kind: PlaceKind, id: number, userId: string, options?: CallOptions) =>
      call.request(`DELETE /${kind}/{id}/members/{userId}`, { path: { id, userId } }, options),
  };
}
