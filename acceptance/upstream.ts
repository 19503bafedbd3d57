import { startSimulatedServer } from "../gateway/src/providers/simulated.server.ts";
import type { SimulatedCall } from "../gateway/src/providers/simulated.ts";

/** An AI provider that keeps its own books: what it says it served is what the server's ledger must say. */
export type Upstream = AsyncDisposable & {
  /** What connects a server to it, as `openai`; it may fail on purpose as often as it likes. */
  readonly env: Readonly<Record<"OPENAI_API_KEY" | "OPENAI_BASE_URL" | "BREAKER_FAILURE_THRESHOLD", string>>;
  /** What connects a server to it as `anthropic` besides. */
  readonly anthropicEnv: Readonly<Record<"ANTHROPIC_API_KEY" | "ANTHROPIC_BASE_URL", string>>;
  /** Calls that are over, in the order in which they ended. */
  readonly calls: readonly SimulatedCall[];
  connections(): Promise<number>;
};

/** In pico-USD per token. What is written to a cache costs as other input if nobody says otherwise. */
export type TokenPrice = {
  readonly input: bigint;
  readonly cached: bigint;
  readonly output: bigint;
  readonly cacheWrite?: bigint;
};

/** 10 / 1 / 30 USD per million tokens. */
export const dear: TokenPrice = { input: 10_000_000n, cached: 1_000_000n, output: 30_000_000n };

/** Every model that is in no book costs what `dear` says. */
export const dearByDefault = {
  COST_INPUT_PER_MILLION_USD: "10",
  COST_CACHED_INPUT_PER_MILLION_USD: "1",
  COST_OUTPUT_PER_MILLION_USD: "30",
};

export const PROVIDER_KEY = "sk-upstream-canary-0123456789";

export function upstreamEnv(baseUrl: string): Upstream["env"] {
  return { OPENAI_API_KEY: PROVIDER_KEY, OPENAI_BASE_URL: baseUrl, BREAKER_FAILURE_THRESHOLD: "1000" };
}

export async function startUpstream(): Promise<Upstream> {
  const calls: SimulatedCall[] = [];
  const server = await startSimulatedServer({ log: (call) => void calls.push(call) });
  return {
    env: upstreamEnv(server.baseUrl),
    anthropicEnv: { ANTHROPIC_API_KEY: PROVIDER_KEY, ANTHROPIC_BASE_URL: server.origin },
    calls,
    connections: server.connections,
    [Symbol.asyncDispose]: server.close,
  };
}

/** What the upstream charges for the calls it served. */
export function billedPico(calls: readonly SimulatedCall[], price: TokenPrice = dear): bigint {
  return calls.reduce((sum, { promptTokens, cachedTokens, cacheWriteTokens, outputTokens }) => {
    const plain = BigInt(promptTokens - cachedTokens - cacheWriteTokens) * price.input;
    const written = BigInt(cacheWriteTokens) * (price.cacheWrite ?? price.input);
    return sum + plain + written + BigInt(cachedTokens) * price.cached + BigInt(outputTokens) * price.output;
  }, 0n);
}

/** Of an amount of USD as our answers and headers write it. */
export function picoOf(usd: string): bigint {
  const [whole, decimals = ""] = usd.split(".");
  return BigInt(whole + decimals.padEnd(12, "0"));
}
