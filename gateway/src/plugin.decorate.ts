import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Engine } from "./app.engine.ts";
import { projectNamed } from "./http/headers.ts";
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
  // Who may not pay is refused before the handler does anything.
  app.addHook("preHandler", async (request) => {
    const { tollgate } = request.routeOptions.config;
    if (tollgate?.isAiCall !== true) return;
    const named = tollgate.project === "header" ? projectNamed(request.headers) : undefined;
    request.trace.projectId = await engine.paying.projectOf(request.principal, named);
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const provider = request.trace?.settled?.provider ?? "";
    if (engine.asking.routes().providers.get(provider)?.simulated)
      reply.header("x-tollgate-simulated", "true");
    return payload;
  });
  app.decorate("tollgate", {
    readiness: engine.readiness,
    metrics: () => engine.metrics.registry.metrics(),
  });
}
