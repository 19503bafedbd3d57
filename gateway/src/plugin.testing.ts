import { renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type FastifyInstance, fastify } from "fastify";
import { systemClock as clock } from "./lib/clock.ts";
import { tollgate } from "./plugin.ts";
import { openPglite } from "./store/pglite.ts";
import type { Store } from "./store/store.ts";
import { testFolder } from "./store/testing.ts";

/** A data folder with a migrated database, for an app that somebody else has written. */
export type DataFolder = Disposable & {
  readonly settings: Readonly<Record<string, string>>;
  /** Looks into the database while no app has it. */
  look<T>(work: (db: Store["db"]) => Promise<T>): Promise<T>;
};

/** @param configFile YAML. */
export async function dataFolder(configFile = ""): Promise<DataFolder> {
  const { folder, remove } = await testFolder();
  const home = dirname(folder);
  const database = join(home, "database");
  renameSync(folder, database);
  writeFileSync(join(home, "tollgate.yaml"), configFile);
  return {
    settings: {
      DATA_DIR: home,
      CONFIG_FILE: join(home, "tollgate.yaml"),
      LOG_LEVEL: "silent",
      OVERLOAD_MAX_EVENT_LOOP_DELAY_MS: "",
      APP_AUTH_TOKEN_USER_MAP: ["ann", "bob", "cat", "dan", "eve"]
        .map((name) => `token-of-${name}:usr_${name}`)
        .join(),
    },
    async look(work) {
      const store = await openPglite({ folder: database, clock });
      return work(store.db).finally(() => store.close());
    },
    [Symbol.dispose]: remove,
  };
}

export type RunningApp = AsyncDisposable & {
  readonly app: FastifyInstance;
  readonly url: string;
  fetch(path: string, request?: RequestInit & { token?: string; json?: unknown }): Promise<Response>;
};

/** Somebody's app with an error handler of its own, which registers the plugin, and after it these routes. */
export async function runApp(
  settings: Readonly<Record<string, string>>,
  addRoutes: (app: FastifyInstance) => void | Promise<void>,
): Promise<RunningApp> {
  const app = fastify({ pluginTimeout: 60_000 });
  app.setErrorHandler((error, _request, reply) => {
    const { statusCode = 500, message } = error as Error & { readonly statusCode?: number };
    return reply.code(statusCode).send({ mine: message });
  });
  await app.register(tollgate, { settings });
  await addRoutes(app);
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    app,
    url,
    fetch: (path, { token, json, ...rest } = {}) =>
      fetch(url + path, {
        ...rest,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(json === undefined ? {} : { "content-type": "application/json" }),
          ...(rest.headers as Record<string, string>),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      }),
    [Symbol.asyncDispose]: () => app.close(),
  };
}
