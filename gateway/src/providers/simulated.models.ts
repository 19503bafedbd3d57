/** What a simulated model does, decided by its name alone. */
export type Behaviour = {
  /** Words to write; undefined: echo the last user message. */
  readonly words?: number;
  /** Tokens of unseen reasoning before the answer. */
  readonly reasoningTokens?: number;
  /** Percent of the prompt that was cached. */
  readonly cachedPercent?: number;
  /** Percent of the prompt that was written to the cache. */
  readonly cacheWritePercent?: number;
  readonly usage?: "reported" | "absent";
  readonly tokensPerSecond?: number;
  readonly headAfterMs?: number | "never";
  readonly callsTool?: boolean;
  readonly refusal?: Refusal;
  readonly fault?: Fault;
};

/** An answer other than 200. Anthropic's formats have a type of their own for each status. */
export type Refusal = {
  readonly status: number;
  /** OpenAI's word. */
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
  readonly param?: string;
  readonly retryAfterSeconds?: number;
  /** Only the first so many times; for ever if undefined. */
  readonly times?: number;
};

/** What goes wrong inside a 200. A number counts tokens written before. */
export type Fault =
  | { readonly kind: "cut"; readonly afterTokens: number }
  | { readonly kind: "stall"; readonly afterTokens: number; readonly ms: number }
  | { readonly kind: "error"; readonly afterTokens: number }
  | { readonly kind: "malformed" | "html" | "empty" };

/** What ends a stream that fails in its middle. */
export const midstreamError: Refusal = {
  status: 500,
  type: "server_error",
  code: "server_error",
  message: "The server had an error while processing your request.",
};

type Model = {
  /** The name that is listed and documented. */
  readonly example: string;
  readonly about: string;
  /** Matches the whole name; its groups are the numbers given to `behave`. */
  readonly pattern: RegExp;
  behave(...numbers: number[]): Behaviour;
};

export const simulatedModels: readonly Model[] = [
  {
    example: "sim-echo",
    about:
      "Echoes the last user message or tool result; a JSON Schema that is asked for is filled with it. So does every name that is not in this table.",
    pattern: /^sim-echo$/,
    behave: () => ({}),
  },
  {
    example: "sim-words-200",
    about: "Writes 200 words.",
    pattern: /^sim-words-(\d{1,5})$/,
    behave: (words) => ({ words: words! }),
  },
  {
    example: "sim-cached-90",
    about: "Echoes; 90 % of the prompt counts as cached.",
    pattern: /^sim-cached-(\d{1,2}|100)$/,
    behave: (cachedPercent) => ({ cachedPercent: cachedPercent! }),
  },
  {
    example: "sim-cache-write-50",
    about: "Echoes; 50 % of the prompt counts as written to the cache.",
    pattern: /^sim-cache-write-(\d{1,2}|100)$/,
    behave: (cacheWritePercent) => ({ cacheWritePercent: cacheWritePercent! }),
  },
  {
    example: "sim-reasoning",
    about: "Echoes after 64 tokens of reasoning, which count as output.",
    pattern: /^sim-reasoning$/,
    behave: () => ({ reasoningTokens: 64 }),
  },
  {
    example: "sim-tools",
    about: "Calls the first tool of the request, or one named lookup; echoes its result.",
    pattern: /^sim-tools$/,
    behave: () => ({ callsTool: true }),
  },
  {
    example: "sim-no-usage",
    about: "Echoes and never reports usage.",
    pattern: /^sim-no-usage$/,
    behave: () => ({ usage: "absent" }),
  },
  {
    example: "sim-slow-20tps",
    about: "Writes 200 words, 20 tokens per second.",
    pattern: /^sim-slow-(\d{1,5})tps$/,
    behave: (rate) => ({ words: 200, tokensPerSecond: Math.max(1, rate!) }),
  },
  {
    example: "sim-delay-2000ms",
    about: "Echoes after 2,000 milliseconds.",
    pattern: /^sim-delay-(\d{1,7})ms$/,
    behave: (headAfterMs) => ({ headAfterMs: headAfterMs! }),
  },
  {
    example: "sim-timeout",
    about: "Never answers.",
    pattern: /^sim-timeout$/,
    behave: () => ({ headAfterMs: "never" }),
  },
  {
    example: "sim-429-3s",
    about: "429, to be retried after 3 seconds.",
    pattern: /^sim-429-(\d{1,5})s$/,
    behave: (seconds) => ({
      refusal: {
        status: 429,
        type: "requests",
        code: "rate_limit_exceeded",
        message: "Rate limit reached for requests.",
        retryAfterSeconds: seconds!,
      },
    }),
  },
  refusing("sim-quota", 429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
  refusing("sim-400", 400, "invalid_request_error", "invalid_value", "Invalid value.", "messages"),
  refusing("sim-401", 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
  refusing("sim-404", 404, "invalid_request_error", "model_not_found", "The model does not exist.", "model"),
  refusing("sim-500", 500, "server_error", null, "The server had an error while processing the request."),
  {
    example: "sim-500-n5",
    about: "Refuses the first 5 times with 500 server_error, then echoes.",
    pattern: /^sim-500-n(\d{1,3})$/,
    behave: (times) => ({ refusal: { ...midstreamError, times: times! } }),
  },
  refusing("sim-529", 529, "overloaded_error", null, "Overloaded."),
  {
    example: "sim-cut-40of60",
    about: "Breaks the connection after 40 of 60 tokens.",
    pattern: /^sim-cut-(\d{1,5})of(\d{1,5})$/,
    behave: (afterTokens, words) => ({ words: words!, fault: { kind: "cut", afterTokens: afterTokens! } }),
  },
  {
    example: "sim-stall-30s",
    about: "Falls silent for 30 seconds after 20 of 60 tokens.",
    pattern: /^sim-stall-(\d{1,5})s$/,
    behave: (seconds) => ({ words: 60, fault: { kind: "stall", afterTokens: 20, ms: seconds! * 1000 } }),
  },
  {
    example: "sim-error-midstream",
    about: "Sends an error event after 5 of 60 tokens; 500 without streaming.",
    pattern: /^sim-error-midstream$/,
    behave: () => ({ words: 60, fault: { kind: "error", afterTokens: 5 } }),
  },
  {
    example: "sim-badjson",
    about: "Answers 200 with half a JSON object; in a stream, one malformed event.",
    pattern: /^sim-badjson$/,
    behave: () => ({ words: 60, fault: { kind: "malformed" } }),
  },
  {
    example: "sim-html-200",
    about: "Answers 200 with a web page.",
    pattern: /^sim-html-200$/,
    behave: () => ({ fault: { kind: "html" } }),
  },
  {
    example: "sim-empty",
    about: "Answers 200 with nothing.",
    pattern: /^sim-empty$/,
    behave: () => ({ fault: { kind: "empty" } }),
  },
];

export function behaviourOf(model: string): Behaviour {
  for (const { pattern, behave } of simulatedModels) {
    const match = pattern.exec(model);
    if (match !== null) return behave(...match.slice(1).map(Number));
  }
  return {};
}

function refusing(
  example: string,
  status: number,
  type: string,
  code: string | null,
  message: string,
  param?: string,
): Model {
  const refusal: Refusal = { status, type, code, message, ...(param === undefined ? {} : { param }) };
  return {
    example,
    about: `Refuses with ${status} ${code ?? type}.`,
    pattern: new RegExp(`^${example}$`),
    behave: () => ({ refusal }),
  };
}
