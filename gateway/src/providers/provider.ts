/**
 * A place that answers AI calls. `send` is an exchange of bytes in the provider's own wire format; nothing here
 * knows who pays. The simulated provider implements the same port and speaks the same bytes.
 */
export type Provider = {
  /** The prefix of its models, and its name in the ledger: `openai`, `simulated`. */
  readonly name: string;
  readonly simulated: boolean;
  /** The wire format it speaks. */
  readonly dialect: "openai";
  /** False for servers that refuse `stream_options.include_usage`. */
  readonly reportsStreamUsage: boolean;
  /** Model ids it is known to have; shown in the models list. May be empty. */
  readonly models: readonly string[];
  send(request: UpstreamRequest, events: UpstreamEvents): Exchange;
  close(): Promise<void>;
};

export type UpstreamRequest = {
  /** Path below the base URL: `/chat/completions`. */
  readonly path: string;
  readonly body: Buffer;
  /** Extra headers from the allow-list. Credentials are added by the provider. */
  readonly headers: Readonly<Record<string, string>>;
};

/** `head` at most once and first, then `chunk`s, then exactly one of `end` and `fail`. Nothing after `abort()`. */
export type UpstreamEvents = {
  head(status: number, headers: Readonly<Record<string, string>>): void;
  chunk(bytes: Buffer): void;
  end(): void;
  fail(failure: UpstreamFailure): void;
};

/** connect: nothing was sent. timeout: no head, or silence for too long. cut: the connection broke after it was used. */
export type UpstreamFailure = { readonly kind: "connect" | "timeout" | "cut"; readonly cause: unknown };

export type Exchange = {
  /** Stops the flow of chunks soon; `resume` starts it again. */
  pause(): void;
  resume(): void;
  /** Ends the exchange and frees its connection. No event follows. */
  abort(): void;
};
