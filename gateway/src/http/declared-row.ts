import type { RouteOptions } from "fastify";
import { z } from "zod";
import { scopes } from "../access/permissions.ts";
import type { DeclaredRoute } from "./declared-route.ts";
import type { Governed } from "./endpoint.ts";

const declared: z.ZodType<DeclaredRoute> = z
  .strictObject({
    class: z.enum(["capture", "query", "plan", "assist", "chat", "manage"]),
    scope: z.enum([...scopes, "none"]),
    operation: z.string().exactOptional(),
    isAiCall: z.boolean().exactOptional(),
    surface: z.enum(["tollgate", "openai", "anthropic"]).exactOptional(),
    appKey: z.literal(true).exactOptional(),
    credential: z.literal("x-api-key").exactOptional(),
    signedIn: z.literal(true).exactOptional(),
    project: z.literal("header").exactOptional(),
  })
  .refine(({ appKey, credential }) => appKey === undefined || credential === undefined, {
    path: ["credential"],
    message: "appKey reads Authorization, so both cannot be",
  });

/** The row of a route that names `config.tollgate`. Throws for what is not known of it, and what is missing. */
export function rowOf(route: RouteOptions, named: unknown): Governed {
  const read = declared.safeParse(named);
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => {
      return `${["config.tollgate", ...path].join(".")}: ${message}`;
    });
    throw new Error(`${nameOf(route)} does not say what governs it: ${faults.join("; ")}`);
  }
  const { scope, class: name, isAiCall, surface, appKey, signedIn, credential } = read.data;
  const { summary = "" } = (route.schema ?? {}) as { readonly summary?: string };
  return {
    method: [route.method].flat()[0] as Governed["method"],
    path: route.url,
    summary,
    access: {
      credential: "caller",
      scope,
      class: name,
      ...(credential === undefined ? {} : { ignoresAuthorization: true }),
      ...(appKey === undefined ? {} : { appKey }),
      ...(signedIn === undefined ? {} : { signedIn }),
    },
    ...(surface === undefined ? {} : { surface }),
    ...(isAiCall === undefined ? {} : { isAiCall }),
  };
}

type NamedRoute = { readonly method: string | readonly string[]; readonly url?: string | undefined };

/** `the route GET /notes` */
export function nameOf({ method, url }: NamedRoute): string {
  return `the route ${[method].flat().join("|")} ${url}`;
}
