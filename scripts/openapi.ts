import { governedApps } from "../gateway/src/app.apps.ts";
import type { Engine } from "../gateway/src/app.engine.ts";
import { type EndpointDeps, endpointTable } from "../gateway/src/http/endpoints.ts";
import { type NewServer, newServer, type ServerDeps } from "../gateway/src/http/server.ts";
import { VirtualClock } from "../gateway/src/lib/clock.ts";

/** A part of an OpenAPI 3.1 document, or the whole. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export type OpenApi = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> };
};

/** Our own server with every route there is, and nothing behind them: nobody calls it. */
export function hollowServer(): Promise<NewServer> {
  const engine = { settings: {}, store: {}, clock: new VirtualClock(), trouble: () => () => {} };
  const unlimited = { bodyLimitBytes: 1, aiBodyLimitBytes: 1, corsOrigins: [], absent: new Set() };
  const endpoints = endpointTable({ runCommand: async () => ({}) } as unknown as EndpointDeps);
  const addApps = governedApps(engine as unknown as Engine);
  return newServer({ ...unlimited, endpoints, addApps } as unknown as ServerDeps);
}

/** What `GET /openapi.json` serves, of every route there is: paths in order, and only the schemas that they lead to. */
export async function openApi(): Promise<OpenApi> {
  const { app } = await hollowServer();
  await app.ready();
  const served = JSON.parse(JSON.stringify(app.swagger())) as OpenApi;
  await app.close();
  const paths = Object.fromEntries(Object.entries(served.paths).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { ...served, paths, components: { ...served.components, schemas: reached(paths, served) } };
}

/** A shape that is both asked and answered is there twice, and mostly only one of them is used. */
function reached(paths: unknown, { components }: OpenApi): OpenApi["components"]["schemas"] {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    for (const [, name] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (found.has(name!)) continue;
      found.add(name!);
      visit(components.schemas[name!]);
    }
  };
  visit(paths);
  return Object.fromEntries([...found].toSorted().map((name) => [name, components.schemas[name]!]));
}
