import { z } from "zod";
import { type Cooldown, type CooldownDeps, clearCooldown, listCooldowns } from "../../calls/cooldowns.ts";
import { isoTime } from "../../lib/clock.ts";
import { culpritKinds } from "../../limits/abuse.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { pageOf } from "../pages.ts";

const cooldown = z
  .object({ kind: z.enum(culpritKinds), subject: z.string(), until: z.string() })
  .meta({ id: "Cooldown" });
const params = z.object({ kind: z.enum(culpritKinds), subject: plainText.max(128) });
const access = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** Who is held for repeated refusals (A6). */
export function cooldownRoutes(deps: CooldownDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/admin/cooldowns",
      summary: "Who is held now: keys by prefix, users by id, addresses by a one-way name.",
      access,
      answer: pageOf(cooldown),
      async handle() {
        const found = await listCooldowns(deps);
        return { items: found.map(cooldownJson), next_cursor: null };
      },
    },
    {
      method: "DELETE",
      path: "/admin/cooldowns/:kind/:subject",
      summary: "Ends a cooldown. An address may be given as it is.",
      access,
      params,
      answerStatus: 204,
      async handle({ request, cause }) {
        const { kind, subject } = request.params as z.infer<typeof params>;
        await clearCooldown(deps, cause(), kind, subject);
      },
    },
  ];
}

/** A cooldown as HTTP and the command line show it. */
export function cooldownJson({ kind, subject, untilMs }: Cooldown): z.infer<typeof cooldown> {
  return { kind, subject, until: isoTime(untilMs) };
}
