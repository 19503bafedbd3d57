import type { FastifyRequest, RouteOptions } from "fastify";
import { TollgateError } from "../lib/errors.ts";
import { nameOf, rowOf } from "./declared-row.ts";
import type { Governed } from "./endpoint.ts";

/** What an app of others wants of the plugin. */
export type Host = {
  /** Routes that do not say `config.tollgate`: `allow` leaves them as they are. */
  readonly ungoverned: "allow" | "deny";
  /** Where refusals of governed routes go: to the caller in the one envelope, or to the app's own error handlers. */
  readonly refusals: "envelope" | "app";
};

/** The routes of an app, as they say by `config.tollgate` what governs them. */
export type DeclaredRoutes = {
  /** Gives a route its row. Throws for one that may not be added as it is. */
  add(route: RouteOptions): void;
  /** Throws if a route has been declared otherwise since. */
  requireUnchanged(): void;
};

declare module "fastify" {
  interface FastifyContextConfig {
    /** The row that governs the route. */
    tollgateRow?: Governed;
  }
}

export function declaredRoutes({ ungoverned }: Pick<Host, "ungoverned">): DeclaredRoutes {
  const added: { route: RouteOptions; named: unknown; row: Governed | undefined }[] = [];
  return {
    add(route) {
      const { config } = route;
      const named = config?.tollgate;
      if (isDeclared(config)) route.config = { ...config, tollgateRow: rowOf(route, named) };
      else if (named === undefined && config?.tollgateRow === undefined && ungoverned === "deny") {
        throw new Error(`${nameOf(route)} says no config.tollgate; false would leave it open to everybody`);
      }
      added.push({ route, named, row: route.config?.tollgateRow });
    },
    requireUnchanged() {
      for (const { route, named, row } of added) {
        if (route.config?.tollgate === named && route.config?.tollgateRow === row) continue;
        throw new Error(
          `${nameOf(route)} has another config.tollgate since: by an onRoute hook added after the plugin`,
        );
      }
    },
  };
}

/** What a request to a route without a row is refused with: one that the plugin has not seen, and may not leave open. */
export function refusalOfUnseen(
  { routeOptions, is404 }: FastifyRequest,
  { ungoverned }: Pick<Host, "ungoverned">,
): TollgateError | undefined {
  const { config } = routeOptions;
  if (config.tollgate === false || is404) return undefined;
  if (!isDeclared(config) && ungoverned === "allow") return undefined;
  const cause = new Error(
    `${nameOf(routeOptions)} is not governed: it was added before the plugin was there. Register and await the plugin first.`,
  );
  return new TollgateError("INTERNAL", undefined, { cause });
}

/** A key without a value is a mistake, and no wish to be left alone. */
function isDeclared(config: RouteOptions["config"]): boolean {
  return config !== undefined && Object.hasOwn(config, "tollgate") && config.tollgate !== false;
}
