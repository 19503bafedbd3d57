import type { Fields } from "./json.ts";
import type { Answer, SimulatedUsage } from "./simulated.answer.ts";
import { named, type Piece } from "./simulated.format.ts";

type Message = {
  /** As it is told at the beginning. */
  readonly message: Fields;
  readonly blocks: readonly Fields[];
  readonly stopReason: string;
  readonly answer: Answer;
  readonly usage: SimulatedUsage | undefined;
};

/** A message as events. The usage at its beginning is exact but for an output of 1; the one at its end is of all. */
export function messageStream({ message, blocks, stopReason, answer, usage }: Message): readonly Piece[] {
  const placeholder = usage && { usage: messageUsage({ ...usage, output: 1, reasoning: 0 }) };
  const final = usage && { usage: messageUsage(usage) };
  return [
    named({ type: "message_start", message: { ...message, ...placeholder } }),
    named({ type: "ping" }),
    ...blocks.flatMap((block, index) => blockPieces(block, index, answer)),
    named({ type: "message_delta", delta: { stop_reason: stopReason, stop_sequence: null }, ...final }),
    named({ type: "message_stop" }),
  ];
}

function blockPieces(block: Fields, index: number, answer: Answer): readonly Piece[] {
  const start = (content: object, tokens = 0): Piece =>
    named({ type: "content_block_start", index, content_block: content }, tokens);
  const add = (delta: object, tokens = 0): Piece =>
    named({ type: "content_block_delta", index, delta }, tokens, tokens > 0);
  const stop = named({ type: "content_block_stop", index });
  const { signature } = block;
  switch (block.type) {
    case "thinking":
      return [
        start({ ...block, signature: "" }, answer.reasoningTokens),
        add({ type: "signature_delta", signature }),
        stop,
      ];
    case "tool_use":
      return [
        start({ ...block, input: {} }),
        ...answer.tokens.map((json) => add({ type: "input_json_delta", partial_json: json }, 1)),
        stop,
      ];
    default:
      return [
        start({ ...block, text: "" }),
        ...answer.tokens.map((text) => add({ type: "text_delta", text }, 1)),
        stop,
      ];
  }
}

export function messageUsage({ prompt, cached, cacheWrite, output, reasoning }: SimulatedUsage): object {
  return {
    input_tokens: prompt - cached - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cached,
    cache_creation: { ephemeral_5m_input_tokens: cacheWrite, ephemeral_1h_input_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
    service_tier: "standard",
  };
}
