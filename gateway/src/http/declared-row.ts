import type { RouteOptions } from "fastify";
import { isScope } from "../access/permissions.ts";
import type { EndpointClass } from "../limits/applicable.ts";
import type { DeclaredRoute } from "./declared-route.ts";
import type { Governed } from "./endpoint.ts";

const classes: Readonly<Record<EndpointClass, true>> = {
  capture: true,
  query: true,
  plan: true,
  assist: true,
  chat: true,
  manage: true,
};

/** The row of a route that names `config.tollgate`. Throws for a class or a scope that there is not. */
export function rowOf({ method, url, schema }: RouteOptions, named: DeclaredRoute): Governed {
  const { scope, class: name, isAiCall, surface, appKey, signedIn } = named;
  if (!Object.hasOwn(classes, name))
    throw new Error(`the route ${url} names the class ${name}: there is none`);
  if (scope !== "none" && !isScope(scope)) {
    throw new Error(`the route ${url} names the scope ${scope}: there is none`);
  }
  const { summary = "" } = (schema ?? {}) as { readonly summary?: string };
  return {
    method: [method].flat()[0] as Governed["method"],
    path: url,
    summary,
    access: {
      credential: "caller",
      scope,
      class: name,
      ...(appKey === undefined ? {} : { appKey }),
      ...(signedIn === undefined ? {} : { signedIn }),
    },
    ...(surface === undefined ? {} : { surface }),
    ...(isAiCall === undefined ? {} : { isAiCall }),
  };
}
