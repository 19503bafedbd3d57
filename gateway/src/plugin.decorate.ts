import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Engine } from "./app.engine.ts";
import { projectNamed } from "./http/headers.ts";
import { aiOf } from "./plugin.ai.ts";
import type { Ai } from "./plugin.ts";

/** Throws if the app has any of the names that the plugin gives it, as it has them where the plugin is already. */
export function requireNames(app: FastifyInstance): void {
  if (app.hasDecorator("tollgate")) {
    throw new Error(
      "tollgate is registered already, in this app or in what is around this part of it: register it once",
    );
  }
  const taken = ["principal", "ai", "tollgateTrace"].filter((name) => app.hasRequestDecorator(name));
  if (taken.length > 0) {
    throw new Error(
      `tollgate gives every request ${taken.join(" and ")}, and this app has decorated it with the same`,
    );
  }
}

/** Gives the handlers of a governed app what they need. */
export function decorate(app: FastifyInstance, engine: Engine): void {
  const known = new WeakMap<FastifyRequest, Ai>();
  app.decorateRequest("principal", {
    getter(this: FastifyRequest) {
      const visitor = this.tollgateTrace?.visitor;
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
    const tollgate = request.routeOptions.config.tollgate || undefined;
    if (tollgate?.isAiCall !== true) return;
    const named = tollgate.project === "header" ? projectNamed(request.headers) : undefined;
    request.tollgateTrace.projectId = await engine.paying.projectOf(request.principal, named);
  });
  app.addHook("onSend", async (request, reply, payload) => {
    const provider = request.tollgateTrace?.settled?.provider ?? "";
    if (engine.asking.routes().providers.get(provider)?.simulated)
      reply.header("x-tollgate-simulated", "true");
    return payload;
  });
  app.decorate("tollgate", {
    readiness: engine.readiness,
    metrics: () => engine.metrics.registry.metrics(),
  });
}
