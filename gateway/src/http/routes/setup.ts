import { z } from "zod";
import { type NewAdministrator, setUp } from "../../identity/setup.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Chance } from "../../lib/ids.ts";
import type { Db } from "../../store/tables.ts";
import type { Endpoint } from "../endpoint.ts";

const body = z.strictObject({
  token: z.string().max(200),
  email: z.email().max(254),
  name: z.string().min(1).max(200),
  password: z.string().min(8).max(1024),
});

const answer = z.object({
  user: z.object({ id: z.string(), email: z.string(), name: z.string(), role: z.literal("admin") }),
});

export type SetupDeps = {
  readonly db: Db;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly pepper: Uint8Array;
};

export function setupRoutes(deps: SetupDeps): readonly Endpoint[] {
  return [
    {
      method: "POST",
      path: "/auth/setup",
      summary:
        "Makes the first administrator with the one-time token of the first start; then gone for ever.",
      access: { credential: "nobody" },
      body,
      answer,
      answerStatus: 201,
      async handle({ request, reply }) {
        const administrator = await setUp(deps, request.body as NewAdministrator);
        reply.header("cache-control", "no-store");
        return { user: { ...administrator, role: "admin" } };
      },
    },
  ];
}
