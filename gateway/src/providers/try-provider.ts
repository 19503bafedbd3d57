import type { Clock } from "../lib/clock.ts";
import { type ExchangeFailure, openOrigin } from "../lib/fetch.ts";
import { OutboundRefused } from "../lib/reach.ts";
import { connectedTo, type KnownProvider, type ProviderRules } from "./known.ts";
import { headersOf, listPaths } from "./upstream.ts";

/** What came of asking a provider for its list of models, which costs nothing. */
export type Trial = {
  /** It has answered, whatever it has answered. */
  readonly reachable: boolean;
  readonly status: number | undefined;
  readonly latencyMs: number;
  /** In our own words: what a provider says may repeat the credential. */
  readonly detail: string;
};

const LONGEST_MS = 4_000;

/** Asks once, of what is known now; no breaker notices. */
export async function tryProvider(
  { clock, providers }: { readonly clock: Clock; readonly providers: Pick<ProviderRules, "reach"> },
  known: KnownProvider,
): Promise<Trial> {
  if (known.upstream === undefined) return { reachable: true, status: 200, latencyMs: 0, detail: BUILT_IN };
  if (known.fault !== undefined) {
    return { reachable: false, status: undefined, latencyMs: 0, detail: known.fault };
  }
  const { dialect, baseUrl, timeouts, ...rest } = connectedTo(providers, known);
  const began = clock.monotonic();
  const origin = openOrigin(baseUrl, {
    ...timeouts,
    connectTimeoutMs: Math.min(timeouts.connectTimeoutMs, LONGEST_MS),
    headersTimeoutMs: Math.min(timeouts.headersTimeoutMs, LONGEST_MS),
  });
  const { promise, resolve } = Promise.withResolvers<Pick<Trial, "status" | "detail">>();
  const { usual, own } = headersOf({ dialect, ...rest });
  origin.send(
    { method: "GET", path: listPaths[dialect], headers: { ...usual, ...own } },
    {
      head: (status) => resolve({ status, detail: meaningOf(status) }),
      chunk: () => {},
      end: () => {},
      fail: (failure) => resolve({ status: undefined, detail: reasonOf(failure) }),
    },
  );
  const found = await promise;
  const latencyMs = Math.round(clock.monotonic() - began);
  await origin.close();
  return { ...found, reachable: found.status !== undefined, latencyMs };
}

const BUILT_IN = "It answers within this process.";

function meaningOf(status: number): string {
  if (status < 300) return "It answers with its list of models.";
  if (status === 401 || status === 403) return "It answers, and does not take the credential.";
  if (status === 404) return "It answers, but has no list of models there: is the base URL right?";
  if (status === 429) return "It answers, but asks us to come back later.";
  return status < 400 ? "It sends us elsewhere, which is not followed." : "It answers with an error.";
}

function reasonOf({ kind, cause }: ExchangeFailure): string {
  if (cause instanceof OutboundRefused) return `It is not reached: ${cause.message}.`;
  if (kind === "connect") return "No connection came about.";
  return kind === "timeout" ? "Nothing has answered in time." : "The connection broke.";
}
