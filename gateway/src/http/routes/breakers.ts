import { z } from "zod";
import { type ResetDeps, resetBreaker } from "../../providers/reset-breaker.ts";
import { breakerJson, breakerShape } from "../breaker-json.ts";
import type { Endpoint } from "../endpoint.ts";
import { plainText } from "../fields.ts";
import { pageOf } from "../pages.ts";

export type BreakerDeps = ResetDeps;

const params = z.object({ provider: plainText.max(64) });
const access = { credential: "caller", scope: "admin:*", class: "manage" } as const;

/** Which providers are not asked for now, because they keep failing (V2). */
export function breakerRoutes(deps: BreakerDeps): readonly Endpoint[] {
  return [
    {
      method: "GET",
      path: "/admin/breakers",
      summary: "The circuit breaker of every configured provider.",
      access,
      answer: pageOf(breakerShape),
      async handle() {
        return { items: (await deps.breakers.states()).map(breakerJson), next_cursor: null };
      },
    },
    {
      method: "POST",
      path: "/admin/breakers/:provider/reset",
      summary: "Closes a provider's breaker: it is asked again at once, on every instance.",
      access,
      params,
      answer: breakerShape,
      async handle({ request, cause }) {
        const { provider } = request.params as z.infer<typeof params>;
        return breakerJson(await resetBreaker(deps, cause(), provider));
      },
    },
  ];
}
