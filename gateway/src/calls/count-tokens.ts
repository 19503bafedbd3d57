import { inputEstimate } from "../costs/bound.ts";
import type { Fields } from "../providers/json.ts";
import { verdictOf } from "../providers/outcome.ts";
import type { AskDeps } from "./attempts.ts";
import type { Answer } from "./call.ts";
import { exchange } from "./exchange.ts";
import { type Format, messagesFormat } from "./formats.ts";
import { type AiRequest, upstreamBody } from "./request.ts";
import type { Route } from "./route.ts";
import { firstAdmitted } from "./turns.ts";

/** How many input tokens a message would have. `isEstimate`: nobody who knows the model could be asked. */
export type TokenCount = { readonly inputTokens: number; readonly isEstimate: boolean };

/** A message that is counted only: it needs no limit on its output. */
export const countFormat: Format = {
  ...messagesFormat,
  path: "/v1/messages/count_tokens",
  operation: "count_tokens",
  mayStream: false,
  faultsOf: (body) => messagesFormat.faultsOf({ ...body, max_tokens: 1 }),
};

/**
 * Asks Anthropic, where the model is one of theirs; it takes nothing for counting. Else estimates from the bytes.
 * Throws what a call would throw that the provider refuses.
 */
export async function countTokens(deps: AskDeps, request: AiRequest, about: About): Promise<TokenCount> {
  const { targets } = about.route;
  const [target] = targets;
  if (target.translation !== undefined) {
    return { inputTokens: inputEstimate(request.bound), isEstimate: true };
  }
  const { pass } = await firstAdmitted(deps, { targets: [target], retries: 0 });
  const body = upstreamBody(countFormat, request.body, {
    model: target.model,
    asksForUsage: false,
    outputCap: undefined,
  });
  const observed = await exchange(
    { clock: deps.clock, onStop: deps.onStop, onHead: () => {} },
    target.provider,
    {
      path: countFormat.path,
      body,
      headers: about.headers,
      format: counting,
      translation: undefined,
      streams: false,
      hideUsage: false,
      timeoutMs: target.timeoutMs,
      streamHeaders: () => ({}),
    },
    about.answer,
  );
  pass.report(verdictOf(observed.fate).breaker);
  const { last } = observed;
  if (last.kind === "error") throw last.error;
  if (last.kind !== "whole") return { inputTokens: inputEstimate(request.bound), isEstimate: true };
  const { input_tokens: inputTokens } = JSON.parse(last.body.toString()) as { input_tokens: number };
  return { inputTokens, isEstimate: false };
}

type About = {
  readonly route: Route;
  readonly headers: Readonly<Record<string, string>>;
  /** Who waits; nothing is written there. */
  readonly answer: Answer;
};

const counting: Format = {
  ...countFormat,
  wire: {
    ...messagesFormat.wire,
    whole(answer: Fields) {
      const read = messagesFormat.wire.whole(answer);
      return { ...read, isAnswer: Number.isSafeInteger(answer.input_tokens) };
    },
  },
};
