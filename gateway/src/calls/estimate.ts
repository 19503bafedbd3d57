import { boundOfModel } from "../costs/bound.model.ts";
import { reserveFor } from "../costs/bound.ts";
import type { KeyGrant } from "../identity/principal.ts";
import type { Clock } from "../lib/clock.ts";
import type { Pico } from "../lib/money.ts";
import { requireModel } from "./allowed-models.ts";
import { chatFormat } from "./formats.ts";
import { aiRequest } from "./request.ts";
import { type RouteDeps, routeOf, type Target } from "./route.ts";

/** What a call is likely to cost, with all the output it may have, and what each budget must have left for it to run. */
export type Estimate = {
  readonly estimatedPico: Pico;
  readonly neededPico: Pico;
  /** The same, whichever of its targets is asked. */
  readonly mostNeededPico: Pico;
};

/**
 * Of a chat completion that is made later, with this key. Throws VALIDATION_FAILED, MODEL_NOT_FOUND, MODEL_NOT_ALLOWED,
 * PRICE_UNKNOWN.
 */
export type EstimateCall = (key: KeyGrant | undefined, body: Readonly<Record<string, unknown>>) => Estimate;

export function estimateCall(deps: RouteDeps & { readonly clock: Clock }): EstimateCall {
  return (key, body) => {
    const request = aiRequest(chatFormat, body, Buffer.byteLength(JSON.stringify(body)));
    const permit = requireModel(key, request.model);
    const { targets } = routeOf(deps, { request, now: deps.clock.now(), permit });
    const needed = ({ model, price, translation }: Target): Pico => {
      const bound = boundOfModel(request.bound, model, translation?.body ?? request.body);
      return reserveFor(bound, price.rates, { underBudget: true }).needPico;
    };
    const [first] = targets;
    return {
      estimatedPico: reserveFor(request.bound, first.price.rates, { underBudget: false }).wantPico,
      neededPico: needed(first),
      mostNeededPico: targets.map(needed).reduce((most, pico) => (pico > most ? pico : most)),
    };
  };
}
