import type { Fields } from "./json.ts";
import type { Answer, SimulatedUsage } from "./simulated.answer.ts";
import type { Refusal } from "./simulated.models.ts";
import type { Refused, SimulatedRequest } from "./simulated.request.ts";
import type { Wire } from "./wire.ts";

/** How the simulated provider is asked and answers at one path. What it answers is the same in every format. */
export type SimulatedFormat = {
  readonly wire: Wire["name"];
  /** Below the base URL that the official client takes. */
  readonly path: string;
  /** False if an answer costs nothing. */
  readonly bills: boolean;
  /** The header that names an answer. */
  readonly idHeader: string;
  /** @param digest 16 hexadecimal digits of the request. */
  readonly idOf: (digest: string) => string;
  readonly read: (body: Fields, headers: Headers) => SimulatedRequest | Refused;
  readonly whole: (draft: Draft) => object;
  /** The same answer as a stream, its end marker included. */
  readonly pieces: (draft: Draft) => readonly Piece[];
  readonly errorBody: (refusal: Refusal, about: { readonly id: string; readonly headers: Headers }) => object;
  /** What a stream says last that fails. */
  readonly errorPieces: (refusal: Refusal, draft: Draft) => readonly Piece[];
};

export type Headers = Readonly<Record<string, string>>;

/** An answer that has still to be written down. */
export type Draft = {
  readonly id: string;
  readonly request: SimulatedRequest;
  readonly headers: Headers;
  readonly answer: Answer;
  /** Undefined: it is not told. */
  readonly usage: SimulatedUsage | undefined;
};

/** Bytes of a stream that come together. `tokens` of output were made for them. */
export type Piece = {
  readonly bytes: Buffer;
  readonly tokens: number;
  /** One token that the model said. */
  readonly isWord: boolean;
};

/** An event without a name. */
export function unnamed(data: object | string, tokens = 0, isWord = false): Piece {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return { bytes: Buffer.from(`data: ${text}\n\n`), tokens, isWord };
}

/** An event that is named as its type. */
export function named(data: Fields & { readonly type: string }, tokens = 0, isWord = false): Piece {
  return { bytes: Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`), tokens, isWord };
}

/** All simulated answers are dated 2026-01-01, so that the same request gives the same bytes. */
export const CREATED = Date.UTC(2026, 0, 1) / 1000;

export function openAiErrorBody({ message, type, param, code }: Refusal): { error: object } {
  return { error: { message, type, param: param ?? null, code } };
}
