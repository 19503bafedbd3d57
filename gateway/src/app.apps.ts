import type { FastifyInstance } from "fastify";
import type { Engine } from "./app.engine.ts";
import { assistant } from "./apps/assistant.ts";
import { thoughts } from "./apps/thoughts.ts";
import { decorate } from "./plugin.decorate.ts";

/** The apps that come with us, each written against the plugin alone. */
export function governedApps(engine: Engine): (app: FastifyInstance) => Promise<void> {
  const { settings, clock } = engine;
  const { db } = engine.store;
  return async (app) => {
    decorate(app, engine);
    await app.register(thoughts, { db, clock });
    await app.register(assistant, {
      ...{ db, clock },
      model: engine.usualModel,
      cacheTtlSeconds: settings.ASSIST_CACHE_TTL_SECONDS,
      onTrouble: engine.trouble("the assistant's answers not kept"),
    });
  };
}
