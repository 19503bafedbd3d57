import { chatBound } from "../costs/bound.chat.ts";
import { embeddingsBound } from "../costs/bound.embeddings.ts";
import type { Body } from "../costs/bound.fields.ts";
import { messagesBound } from "../costs/bound.messages.ts";
import { responsesBound } from "../costs/bound.responses.ts";
import type { BoundOrFaults } from "../costs/bound.ts";
import type { FieldFault } from "../lib/errors.ts";
import type { Surface } from "../limits/headers.ts";
import { anthropicMessages } from "../providers/anthropic.messages.ts";
import { openAiChat } from "../providers/openai.chat.ts";
import { openAiEmbeddings } from "../providers/openai.embeddings.ts";
import { openAiResponses } from "../providers/openai.responses.ts";
import type { Wire } from "../providers/wire.ts";
import { embeddingFaults, messagesFaults, openAiMessageFaults, responsesFaults } from "./format.faults.ts";

/** A way to ask for AI work: what a client says, what a provider that speaks it is sent. */
export type Format = {
  /** How it is answered. */
  readonly wire: Wire;
  /** Whose official client speaks it. */
  readonly surface: Surface;
  /** What a plain call in it is called on the ledger. */
  readonly operation: string;
  /** Below a provider's base URL. */
  readonly path: string;
  /** What Tollgate decides on and is wrong; the rest is the provider's. */
  readonly faultsOf: (body: Body) => readonly FieldFault[];
  readonly boundOf: (body: Body, bodyBytes: number) => BoundOrFaults;
  /** The spellings of the limit on the output; the first is set where none is given. Empty: there is no output. */
  readonly outputCaps: readonly string[];
  /** Streams tell what was used only if they are asked to. */
  readonly tellsUsageWhenAsked: boolean;
  readonly mayStream: boolean;
  /** An event that ends a stream with an error body. */
  readonly errorEvent: (body: string) => string;
  /** What ends a stream that has said all but this. */
  readonly endMarker: string | undefined;
};

const dataEvent = (body: string) => `data: ${body}\n\n`;
const errorEvent = (body: string) => `event: error\ndata: ${body}\n\n`;

export const chatFormat: Format = {
  wire: openAiChat,
  surface: "openai",
  operation: "chat",
  path: "/chat/completions",
  faultsOf: openAiMessageFaults,
  boundOf: chatBound,
  outputCaps: ["max_completion_tokens", "max_tokens", "max_output_tokens"],
  tellsUsageWhenAsked: true,
  mayStream: true,
  errorEvent: dataEvent,
  endMarker: "data: [DONE]\n\n",
};

export const responsesFormat: Format = {
  wire: openAiResponses,
  surface: "openai",
  operation: "responses",
  path: "/responses",
  faultsOf: responsesFaults,
  boundOf: responsesBound,
  outputCaps: ["max_output_tokens"],
  tellsUsageWhenAsked: false,
  mayStream: true,
  errorEvent,
  endMarker: undefined,
};

export const embeddingsFormat: Format = {
  wire: openAiEmbeddings,
  surface: "openai",
  operation: "embeddings",
  path: "/embeddings",
  faultsOf: embeddingFaults,
  boundOf: embeddingsBound,
  outputCaps: [],
  tellsUsageWhenAsked: false,
  mayStream: false,
  errorEvent: dataEvent,
  endMarker: undefined,
};

export const messagesFormat: Format = {
  wire: anthropicMessages,
  surface: "anthropic",
  operation: "messages",
  path: "/v1/messages",
  faultsOf: messagesFaults,
  boundOf: messagesBound,
  outputCaps: ["max_tokens"],
  tellsUsageWhenAsked: false,
  mayStream: true,
  errorEvent,
  endMarker: undefined,
};

export const formats: readonly Format[] = [chatFormat, responsesFormat, embeddingsFormat, messagesFormat];
