import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Engine } from "./app.engine.ts";
import { aiOf } from "./plugin.ai.ts";
import type { Ai } from "./plugin.ts";

/** Gives the handlers of a governed app what they need. */
export function decorate(app: FastifyInstance, engine: Engine): void {
  const known = new WeakMap<FastifyRequest, Ai>();
  app.decorateRequest("principal", {
    getter(this: FastifyRequest) {
      const visitor = this.trace?.visitor;
      if (visitor === undefined) throw new Error("nobody was identified: the route names no config.tollgate");
      return visitor.principal;
    },
  });
  app.decorateRequest("ai", {
    getter(this: FastifyRequest) {
      const ai = known.get(this) ?? aiOf(engine, this);
      known.set(this, ai);
      return ai;
    },
  });
  app.decorate("tollgate", {
    readiness: engine.readiness,
    metrics: () => engine.metrics.registry.metrics(),
  });
}
