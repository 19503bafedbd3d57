import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { aiSdkAskers } from "./clients.ai-sdk.ts";

/** Where a client is pointed at, and what it knows itself by. */
export type Gate = { readonly url: string; readonly token: string };

/** What a client tells the program that uses it. */
export type Told = {
  readonly text: string;
  /** Tokens; the whole input, what of it was cached, and the whole output. */
  readonly usage: { readonly input: number; readonly cached: number; readonly output: number };
};

export type UpstreamName = "openai" | "anthropic";
export const upstreams: readonly UpstreamName[] = ["openai", "anthropic"];

/** An official client in one of its uses. */
export type Asker = {
  readonly name: string;
  /** Where the upstream of each kind is asked then; a kind left out cannot be. */
  readonly paths: Readonly<Partial<Record<UpstreamName, string>>>;
  readonly ask: (gate: Heard, model: string, question: string, stream: boolean) => Promise<Told>;
};

/** A gate whose answers are looked at on their way to the client. */
export type Heard = Gate & { readonly fetch: typeof fetch; readonly responses: readonly Response[] };

export function heard(gate: Gate): Heard {
  const responses: Response[] = [];
  return {
    ...gate,
    responses,
    async fetch(input, init) {
      const response = await fetch(input, init);
      responses.push(response);
      return response;
    },
  };
}

export function openAiClient({ url, token, fetch }: Heard): OpenAI {
  return new OpenAI({ apiKey: token, baseURL: `${url}/v1`, maxRetries: 0, logLevel: "off", fetch });
}

export function anthropicClient({ url, token, fetch }: Heard, credential: Credential = "bearer"): Anthropic {
  const headers = credential === "bearer" ? {} : { "x-api-key": token, authorization: null };
  const common = { baseURL: url, maxRetries: 0, logLevel: "off" as const, fetch };
  return new Anthropic({ apiKey: token, defaultHeaders: headers, ...common });
}

/** Older clients send their key as `x-api-key`. */
export type Credential = "bearer" | "x-api-key";

/** The error of this kind that `work` raises. */
export async function raised<E extends Error>(
  work: Promise<unknown>,
  // biome-ignore lint/suspicious/noExplicitAny: error classes differ in their constructors
  kind: abstract new (...args: any[]) => E,
): Promise<E> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof kind, `${String(error)} is no ${kind.name}`);
    return error;
  }
  throw new assert.AssertionError({ message: `expected a ${kind.name}` });
}

const translated = { openai: "/chat/completions", anthropic: "/v1/messages" };

const chat: Asker = {
  name: "openai chat",
  paths: translated,
  async ask(gate, model, question, stream) {
    const { completions } = openAiClient(gate).chat;
    const body = { model, messages: [{ role: "user" as const, content: question }] };
    const asked = { ...body, stream_options: { include_usage: true } };
    const { choices, usage } = stream
      ? await completions.stream(asked).finalChatCompletion()
      : await completions.create(body);
    const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
    return {
      text: choices[0]?.message.content ?? "",
      usage: { input: usage!.prompt_tokens, cached, output: usage!.completion_tokens },
    };
  },
};

const responses: Asker = {
  name: "openai responses",
  paths: { openai: "/responses", anthropic: "/v1/messages" },
  async ask(gate, model, input, stream) {
    const openai = openAiClient(gate);
    const { output_text, usage } = stream
      ? await openai.responses.stream({ model, input }).finalResponse()
      : await openai.responses.create({ model, input });
    const { input_tokens, input_tokens_details, output_tokens } = usage!;
    return {
      text: output_text,
      usage: { input: input_tokens, cached: input_tokens_details.cached_tokens, output: output_tokens },
    };
  },
};

function messages(credential: Credential): Asker {
  return {
    name: `anthropic messages by ${credential}`,
    paths: translated,
    async ask(gate, model, question, stream) {
      const anthropic = anthropicClient(gate, credential);
      const body = { model, max_tokens: 1_000, messages: [{ role: "user" as const, content: question }] };
      const { content, usage } = stream
        ? await anthropic.messages.stream(body).finalMessage()
        : await anthropic.messages.create(body);
      const cached = usage.cache_read_input_tokens ?? 0;
      const input = usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0);
      return {
        text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
        usage: { input, cached, output: usage.output_tokens },
      };
    },
  };
}

/** Every official client in every use that writes text. */
export const askers: readonly Asker[] = [
  chat,
  responses,
  messages("bearer"),
  messages("x-api-key"),
  ...aiSdkAskers,
];
