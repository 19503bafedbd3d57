import type { Metered } from "../costs/usage.ts";
import type { Fields } from "./json.ts";
import type { Scan } from "./tap.scan.ts";

/** How a provider writes its answers. One value per format, taken by everything that reads them. */
export type Wire = {
  readonly name:
    | "openai-chat"
    | "openai-responses"
    | "openai-embeddings"
    | "anthropic-messages"
    | "google-generate";
  /** Reads an answer that came in one piece. Never throws. */
  whole(answer: Fields): WholeAnswer;
  /** A reader of one stream. */
  events(): EventReader;
  /** Tells, without parsing, whether events hold anything that `events` would read. */
  readonly scan: (events: Buffer) => Scan;
};

/** What an answer says about itself, as far as it has been read. */
export type Seen = {
  /** The model that answered, as it is named beside the usage. */
  readonly model: string | undefined;
  readonly metered: Metered | undefined;
  /** False while the output is a placeholder: Anthropic's streams begin with an exact input and an output of 1. */
  readonly isOutputCounted: boolean;
  readonly error: ProviderError | undefined;
};

export type WholeAnswer = Seen & {
  /** It is what the format calls an answer, whatever else it may say. */
  readonly isAnswer: boolean;
  /** UTF-8 bytes of what the model wrote: what an estimate is made of. */
  readonly textBytes: number;
};

/** Takes the events of one stream in order; those that the scan finds plain may be left out. */
export type EventReader = {
  /** Never throws. */
  read(event: StreamEvent): Verdict;
  seen(): Seen;
};

export type StreamEvent = {
  readonly name: string | undefined;
  /** Its data lines, joined. */
  readonly data: string;
  /** The data as a JSON object; empty if it is none. */
  readonly fields: Fields;
};

/**
 * What becomes of an event. `open`: it opens an answer in which nothing has been said yet, and goes with what follows
 * it. `hide`: it holds nothing but the usage, and passes only to a client that asked for it. `hold`: the end begins
 * here; this event and what follows wait until the caller is done with the stream.
 */
export type Verdict = "open" | "pass" | "hide" | "hold";

/** What a provider says went wrong, in an error body or inside a stream. */
export type ProviderError = {
  readonly message: string;
  /** HTTP status, where the error names one itself. */
  readonly status?: number;
  readonly code?: string;
};

export const NOTHING_SEEN: Seen = {
  model: undefined,
  metered: undefined,
  isOutputCounted: false,
  error: undefined,
};
