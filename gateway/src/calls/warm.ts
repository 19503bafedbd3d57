import type { Principal } from "../identity/principal.ts";
import { atMost, type Clock } from "../lib/clock.ts";
import { requireModel } from "./allowed-models.ts";
import { chatFormat } from "./formats.ts";
import { aiRequest } from "./request.ts";
import { type RouteDeps, routeOf } from "./route.ts";
import { firstAdmitted, type TurnDeps } from "./turns.ts";

/** A provider that takes longer is connected to while the answer is on its way. */
const LONGEST_MS = 2_000;

/**
 * Before a first question: has a connection ready to whoever would be asked, and costs nothing. Throws what asking
 * would throw by then: MODEL_NOT_FOUND, MODEL_NOT_ALLOWED, PRICE_UNKNOWN, PROVIDER_UNAVAILABLE.
 */
export async function warm(
  deps: RouteDeps & TurnDeps & { readonly clock: Clock },
  { key }: Principal,
  model: string | undefined,
): Promise<void> {
  const request = aiRequest(chatFormat, { model, messages: [{ role: "user", content: "" }] }, 0);
  const permit = requireModel(key, request.model);
  const route = routeOf(deps, { request, now: deps.clock.now(), permit });
  const { target, pass } = await firstAdmitted(deps, route);
  pass.report("neutral");
  await atMost(deps.clock, LONGEST_MS, target.provider.connect());
}
