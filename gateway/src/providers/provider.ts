import type { Exchange, ExchangeEvents } from "../lib/fetch.ts";
import type { Wire } from "./wire.ts";

/**
 * A place that answers AI calls. `send` is an exchange of bytes in the provider's own wire format; nothing here
 * knows who pays. The simulated provider implements the same port and speaks the same bytes.
 */
export type Provider = {
  /** The prefix of its models, and its name in the ledger: `openai`, `simulated`. */
  readonly name: string;
  readonly simulated: boolean;
  /** The wire formats it speaks. */
  readonly speaks: readonly Wire["name"][];
  /** False for servers that refuse `stream_options.include_usage`. */
  readonly reportsStreamUsage: boolean;
  /** The spelling of the limit on a chat's output that it keeps to. */
  readonly chatOutputLimit: "max_completion_tokens" | "max_tokens";
  /** Model ids it is known to have; shown in the models list. May be empty. */
  readonly models: readonly string[];
  send(request: UpstreamRequest, events: ExchangeEvents): Exchange;
  /** Has a connection ready, if that is possible, by a request that costs nothing. Never rejects. */
  connect(): Promise<void>;
  /** Breaks what is in flight. */
  close(): Promise<void>;
};

export type UpstreamRequest = {
  /** Path below the base URL: `/chat/completions`. */
  readonly path: string;
  readonly body: Buffer;
  /** The client's extra headers. Only those on the provider's allow-list are sent; credentials are the provider's. */
  readonly headers: Readonly<Record<string, string>>;
};
