/** What answers of AI calls have in common; whatever else a provider says is there as well. */
type Open = { readonly [name: string]: unknown };

export type TokenUsage = Open & {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
};

export type ChatCompletion = Open & {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly (Open & {
    readonly index: number;
    readonly finish_reason: string | null;
    readonly message: Open & { readonly role: string; readonly content: string | null };
  })[];
  readonly usage?: TokenUsage;
};

export type ChatChunk = Open & {
  readonly id: string;
  readonly model: string;
  readonly choices: readonly (Open & {
    readonly index: number;
    readonly finish_reason?: string | null;
    readonly delta: Open & { readonly role?: string; readonly content?: string | null };
  })[];
  readonly usage?: TokenUsage | null;
};

export type Embeddings = Open & {
  readonly model: string;
  readonly data: readonly (Open & {
    readonly index: number;
    readonly embedding: readonly number[] | string;
  })[];
};

export type Message = Open & {
  readonly id: string;
  readonly model: string;
  readonly role: string;
  readonly content: readonly (Open & { readonly type: string; readonly text?: string })[];
  readonly stop_reason: string | null;
  readonly usage: Open & { readonly input_tokens: number; readonly output_tokens: number };
};

export type ModelResponse = Open & {
  readonly id: string;
  readonly model: string;
  readonly status?: string;
  readonly output: readonly (Open & { readonly type: string })[];
};

/** An event of a streamed message or response. */
export type NamedEvent = Open & { readonly type: string };
