import type { Caller } from "../caller.ts";
import type { Body, Listing, Query } from "../operations.ts";
import type { CallOptions } from "../transport.ts";

export type BudgetScope = "project" | "team" | "user" | "key";
type Allocation = Body<"PUT /budgets/project/{id}">;

export function budgetsResource(call: Caller) {
  return {
    get: (scope: BudgetScope, id: string | number, options?: CallOptions) =>
      call.request(`GET /budgets/${scope}/{id}`, { path: { id } }, options),
    /** USD, as a number or an exact decimal text. */
    set: (scope: BudgetScope, id: string | number, body: Allocation, options?: CallOptions) =>
      call.request(`PUT /budgets/${scope}/{id}`, { path: { id }, body }, options),
    remove: (scope: BudgetScope, id: string | number, options?: CallOptions) =>
      call.request(`DELETE /budgets/${scope}/{id}`, { path: { id } }, options),
    /** Also of a project that has none. */
    ofProject: (id: number, options?: CallOptions) =>
      call.request("GET /costs/projects/{id}/budget", { path: { id } }, options),
  };
}

type Period = { readonly period_days?: number | undefined };

/** What was spent. Amounts are numbers in USD; the exact decimal text of each stands beside it, in `…_usd`. */
export function costsResource(call: Caller) {
  return {
    /** One's own, of a UTC day. */
    daily: (query?: Query<"GET /health/costs/daily">, options?: CallOptions) =>
      call.request("GET /health/costs/daily", { query }, options),
    ofProject: (id: number, query?: Period, options?: CallOptions) =>
      call.request("GET /costs/projects/{id}", { path: { id }, query }, options),
    ofTeam: (id: number, query?: Period, options?: CallOptions) =>
      call.request("GET /costs/teams/{id}", { path: { id }, query }, options),
    ofJob: (id: number, options?: CallOptions) =>
      call.request("GET /costs/jobs/{id}", { path: { id } }, options),
    /** Of the platform, for administrators. */
    report: (query?: Period, options?: CallOptions) => call.request("GET /costs/report", { query }, options),
    suggestions: (options?: CallOptions) => call.list("GET /costs/suggestions", {}, options),
  };
}

/** USD per million tokens. */
export function pricesResource(call: Caller) {
  return {
    list: (query?: Listing, options?: CallOptions) => call.list("GET /prices", { query }, options),
    set: (
      provider: string,
      model: string,
      body: Body<"PUT /prices/{provider}/{model}">,
      options?: CallOptions,
    ) => call.request("PUT /prices/{provider}/{model}", { path: { provider, model }, body }, options),
    drift: (options?: CallOptions) => call.request("GET /prices/drift", {}, options),
    /** Takes over the catalogue's. */
    adopt: (provider: string, model: string, options?: CallOptions) =>
      call.request("POST /prices/{provider}/{model}/adopt", { path: { provider, model } }, options),
    /** Prices past calls again; `dry_run` only says what it would come to. */
    reprice: (body: Body<"POST /prices/reprice">, options?: CallOptions) =>
      call.request("POST /prices/reprice", { body }, options),
  };
}
