import { type Clock, sleep } from "../lib/clock.ts";
import { type Chance, fraction } from "../lib/ids.ts";
import { verdictOf } from "../providers/outcome.ts";
import type { Attempt } from "./bill.ts";
import type { Answer, Call } from "./call.ts";
import { exchange, type Observed, UNSEEN } from "./exchange.ts";
import { chatFormat } from "./formats.ts";
import type { Hold, Terms } from "./hold.ts";
import { upstreamBody } from "./request.ts";
import type { Target } from "./route.ts";
import { type Admitted, nextAdmitted, type TurnDeps } from "./turns.ts";

export type AskDeps = TurnDeps & {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Calls `stop` if the process must end before the call has; the returned function forgets it. */
  readonly onStop: (stop: () => void) => () => void;
  readonly onFirstByte: (target: Target, elapsedMs: number) => void;
};

/** Longer than any probe needs to be heard of again. */
const RENEW_EVERY_MS = 5_000;
/** A call asks providers so often at most, whatever its alias says. */
const MOST_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2_000;

const leftBefore: Observed = {
  outcome: "aborted",
  spent: "nothing",
  ...UNSEEN,
  fate: { kind: "clientLeft" },
  last: { kind: "none" },
};

/**
 * Asks the targets in their turn until one has answered, or another would not help: the client has a byte, the
 * question is at fault, nobody reads any more, or a budget does not hold the next one.
 */
export async function askInTurn(
  deps: AskDeps,
  call: Call,
  { first, held, answer }: { readonly first: Admitted; readonly held: Hold; readonly answer: Answer },
): Promise<[...Attempt[], Attempt]> {
  const { targets, retries } = call.route;
  const earlier: Attempt[] = [];
  let turn: Admitted = first;
  let terms = held.terms;
  let tries = 0;
  for (;;) {
    const observed = answer.isOpen() ? await ask(deps, call, turn, terms, answer) : leftBefore;
    const verdict = verdictOf(observed.fate);
    turn.pass.report(verdict.breaker);
    tries += 1;
    const attempt: Attempt = { target: turn.target, observed, heldPico: terms.heldPico };
    const attempts: [...Attempt[], Attempt] = [...earlier, attempt];
    if (!verdict.fallback || attempts.length === MOST_ATTEMPTS || !answer.isOpen()) return attempts;

    const isAgain = verdict.retryable && tries <= retries;
    const others = targets.slice(targets.indexOf(turn.target) + 1);
    if (isAgain) await sleep(deps.clock, pauseMs(deps.chance, observed, tries));
    const next = await nextAdmitted(deps, isAgain ? [turn.target, ...others] : others);
    if (next === undefined) return attempts;
    const nextTerms = await held.termsFor(next.target, spentPico(attempts)).catch(() => undefined);
    if (nextTerms === undefined) {
      next.pass.report("neutral");
      return attempts;
    }
    if (next.target !== turn.target) tries = 0;
    earlier.push(attempt);
    turn = next;
    terms = nextTerms;
  }
}

/** What earlier attempts are charged if they did not fail for nothing. */
function spentPico(attempts: readonly Attempt[]): bigint {
  return attempts.reduce(
    (sum, { observed, heldPico }) => (observed.spent === "nothing" ? sum : sum + heldPico),
    0n,
  );
}

function pauseMs(chance: Chance, { fate }: Observed, tries: number): number {
  if (fate.kind === "status" && fate.retryAfterMs !== undefined && fate.retryAfterMs <= LONGEST_PAUSE_MS) {
    return fate.retryAfterMs;
  }
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.5 + fraction(chance) / 2);
}

async function ask(
  deps: AskDeps,
  call: Call,
  { target, pass }: Admitted,
  { outputCap }: Terms,
  answer: Answer,
): Promise<Observed> {
  const { clock } = deps;
  const { request, headers } = call;
  const { provider, model, format, translation, timeoutMs } = target;
  const asksForUsage = request.stream && format.tellsUsageWhenAsked && provider.reportsStreamUsage;
  const isSpelled = format === chatFormat && (outputCap !== undefined || translation !== undefined);
  const stopRenewing = pass.isProbe ? clock.every(RENEW_EVERY_MS, () => pass.renew()) : () => {};
  try {
    return await exchange(
      {
        clock,
        onStop: deps.onStop,
        onHead(status, elapsedMs) {
          deps.onFirstByte(target, elapsedMs);
          // A probe that is answered has found out; the answer may go on for minutes.
          if (pass.isProbe && status < 300) pass.report("ok");
        },
      },
      provider,
      {
        path: format.path,
        body: upstreamBody(format, translation?.body ?? request.body, {
          model,
          asksForUsage,
          outputCap,
          outputLimit: isSpelled ? provider.chatOutputLimit : undefined,
        }),
        headers: { ...headers, ...translation?.headers },
        format,
        translation: translation?.answers?.({ id: call.id, now: clock.now(), model }),
        streams: request.stream,
        hideUsage: asksForUsage && !request.wantsUsage && translation === undefined,
        timeoutMs,
        streamHeaders: () => ({
          "content-type": "text/event-stream; charset=utf-8",
          "cache-control": "no-cache",
          "x-accel-buffering": "no",
          ...servedBy(target),
        }),
      },
      answer,
    );
  } finally {
    stopRenewing();
  }
}

/** The headers that say who answered. */
export function servedBy({ provider, model, translation }: Target, attempts = 1): Record<string, string> {
  const headers: Record<string, string> = {
    "x-tollgate-provider": provider.name,
    "x-tollgate-model": headerText(model),
  };
  if (provider.simulated) headers["x-tollgate-simulated"] = "true";
  if (attempts > 1) headers["x-tollgate-attempts"] = String(attempts);
  const dropped = translation?.dropped ?? [];
  if (dropped.length > 0) headers["x-tollgate-dropped-params"] = dropped.join(", ");
  return headers;
}

/** Callers choose model names freely; a header takes visible ASCII only. */
function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?");
}
