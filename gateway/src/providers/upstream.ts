import { type OriginOptions, openOrigin } from "../lib/fetch.ts";
import type { Provider } from "./provider.ts";
import type { Wire } from "./wire.ts";

/** Which family of wire formats a server speaks. */
export type Dialect = "openai" | "anthropic";

export type UpstreamOptions = {
  readonly name: string;
  readonly dialect: Dialect;
  /** As the official client of the dialect takes it: `https://api.openai.com/v1`, `https://api.anthropic.com`. */
  readonly baseUrl: string;
  /** Undefined for servers without credentials (Ollama, vLLM). */
  readonly apiKey: string | undefined;
  readonly models: readonly string[];
  /** False for servers that refuse `stream_options.include_usage`. */
  readonly reportsStreamUsage: boolean;
  /** Undefined: the newer spelling for OpenAI, and the older one, which everybody else knows. */
  readonly chatOutputLimit?: "max_completion_tokens" | "max_tokens" | undefined;
  /** Of the dialect `openai`. Undefined: OpenAI and xAI do; everybody else is asked for chat completions. */
  readonly speaksResponses?: boolean | undefined;
  readonly timeouts: OriginOptions;
};

type Manners = {
  readonly speaks: readonly Wire["name"][];
  /** Headers of a client that may reach the provider. */
  readonly passed: ReadonlySet<string>;
  readonly credential: (apiKey: string) => Readonly<Record<string, string>>;
  /** Sent unless the client says otherwise. */
  readonly usual: Readonly<Record<string, string>>;
};

const manners: Readonly<Record<Dialect, Manners>> = {
  openai: {
    speaks: ["openai-chat", "openai-responses", "openai-embeddings"],
    passed: new Set(["openai-beta", "idempotency-key"]),
    credential: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
    usual: {},
  },
  anthropic: {
    speaks: ["anthropic-messages"],
    passed: new Set(["anthropic-version", "anthropic-beta", "idempotency-key"]),
    credential: (apiKey) => ({ "x-api-key": apiKey }),
    usual: { "anthropic-version": "2023-06-01" },
  },
};

/** To read on would cost more than the connection is worth. */
const LONGEST_LIST_BYTES = 1_048_576;

/** Where a dialect lists its models, which costs nothing. */
export const listPaths: Readonly<Record<Dialect, string>> = { openai: "/models", anthropic: "/v1/models" };

/** A server that speaks a dialect. Throws a TypeError on a bad base URL. */
export function upstream(options: UpstreamOptions): Provider {
  const { name, models, reportsStreamUsage } = options;
  const { passed } = manners[options.dialect];
  const { usual, own } = headersOf(options);
  const origin = openOrigin(options.baseUrl, options.timeouts);
  return {
    name,
    simulated: false,
    speaks: spokenBy(options),
    reportsStreamUsage,
    chatOutputLimit: options.chatOutputLimit ?? (name === "openai" ? "max_completion_tokens" : "max_tokens"),
    models,
    send({ path, body, headers }, events) {
      const sent = { ...usual, ...only(headers, passed), ...own, "content-type": "application/json" };
      return origin.send({ method: "POST", path, body, headers: sent }, events);
    },
    connect() {
      const { promise, resolve } = Promise.withResolvers<void>();
      const over = () => resolve();
      let length = 0;
      const exchange = origin.send(
        { method: "GET", path: listPaths[options.dialect], headers: { ...usual, ...own } },
        {
          head() {},
          chunk(bytes) {
            length += bytes.length;
            if (length <= LONGEST_LIST_BYTES) return;
            exchange.abort();
            resolve();
          },
          end: over,
          fail: over,
        },
      );
      return promise;
    },
    close: () => origin.close(),
  };
}

const WITH_RESPONSES: ReadonlySet<string> = new Set(["openai", "xai"]);

/** The wire formats in which a server is asked. */
export function spokenBy({
  name,
  dialect,
  speaksResponses,
}: Pick<UpstreamOptions, "name" | "dialect" | "speaksResponses">): readonly Wire["name"][] {
  const { speaks } = manners[dialect];
  return (speaksResponses ?? WITH_RESPONSES.has(name))
    ? speaks
    : speaks.filter((wire) => wire !== "openai-responses");
}

/** What a request says unless the client says otherwise, and whatever the client says. */
export function headersOf({ dialect, apiKey }: Pick<UpstreamOptions, "dialect" | "apiKey">): {
  readonly usual: Readonly<Record<string, string>>;
  readonly own: Readonly<Record<string, string>>;
} {
  const { usual, credential } = manners[dialect];
  return { usual, own: { "user-agent": "tollgate", ...(apiKey === undefined ? {} : credential(apiKey)) } };
}

function only(headers: Readonly<Record<string, string>>, names: ReadonlySet<string>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (names.has(lower)) kept[lower] = value;
  }
  return kept;
}
