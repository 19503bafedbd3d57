import { z } from "zod";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Endpoint } from "../endpoint.ts";

export type SystemDeps = {
  readonly metrics: Metrics;
  /** Whether this process can take traffic, and what that was judged by. */
  readonly readiness: () => Promise<{
    readonly ready: boolean;
    readonly checks: Readonly<Record<string, boolean>>;
  }>;
};

const readinessAnswer = z
  .object({ ready: z.boolean(), checks: z.record(z.string(), z.boolean()) })
  .meta({ id: "Readiness" });

/** For machines that watch this one. */
export function systemRoutes({ metrics, readiness }: SystemDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/healthz",
      summary: "The process is alive.",
      access: { credential: "nobody" },
      priority: "always",
      answer: z.object({ status: z.literal("ok") }),
      handle: async () => ({ status: "ok" }),
    },
    {
      method: "GET",
      path: "/readyz",
      summary: "The process can take traffic: 200, else 503, with each check.",
      access: { credential: "nobody" },
      priority: "always",
      answer: readinessAnswer,
      async handle({ reply }) {
        const found = await readiness();
        if (!found.ready) reply.code(503);
        return found;
      },
    },
    {
      method: "GET",
      path: "/metrics",
      summary: "Prometheus metrics; for loopback or the internal token.",
      access: { credential: "metrics" },
      priority: "always",
      async handle({ reply }) {
        reply.type(metrics.registry.contentType);
        return metrics.registry.metrics();
      },
    },
    {
      method: "GET",
      path: "/openapi.json",
      summary: "This contract, as OpenAPI 3.1.",
      access: { credential: "nobody" },
      priority: "always",
      handle: async ({ request }) => request.server.swagger(),
    },
  ];
}
