import { type Fields, objectsOf } from "./json.ts";
import type { Answer } from "./simulated.answer.ts";
import { named, type Piece } from "./simulated.format.ts";

type Response = {
  /** As it is told at the beginning, and at the end. */
  readonly begun: Fields;
  readonly ended: Fields;
  readonly items: readonly Fields[];
  readonly answer: Answer;
};

/** A response as events, numbered in their order. */
export function responseStream({ begun, ended, items, answer }: Response): readonly Piece[] {
  const pieces: Piece[] = [];
  const tell = (type: string, fields: Fields, tokens = 0, isWord = false): void => {
    pieces.push(named({ type, ...fields, sequence_number: pieces.length }, tokens, isWord));
  };
  tell("response.created", { response: begun });
  tell("response.in_progress", { response: begun });
  for (const [output_index, item] of items.entries()) {
    const at = { output_index, item_id: item.id };
    const isReasoning = item.type === "reasoning";
    const added = isReasoning ? item : { ...item, ...opened(item), status: "in_progress" };
    tell(
      "response.output_item.added",
      { output_index, item: added },
      isReasoning ? answer.reasoningTokens : 0,
    );
    if (item.type === "message") {
      const [part] = objectsOf(item.content);
      const within = { ...at, content_index: 0 };
      tell("response.content_part.added", { ...within, part: { ...part, text: "" } });
      for (const delta of answer.tokens) {
        tell("response.output_text.delta", { ...within, delta, logprobs: [] }, 1, true);
      }
      tell("response.output_text.done", { ...within, text: part?.text, logprobs: [] });
      tell("response.content_part.done", { ...within, part });
    }
    if (item.type === "function_call") {
      for (const delta of answer.tokens) {
        tell("response.function_call_arguments.delta", { ...at, delta }, 1, true);
      }
      const { name, arguments: json } = item;
      tell("response.function_call_arguments.done", { ...at, name, arguments: json });
    }
    tell("response.output_item.done", { output_index, item });
  }
  tell(answer.end === "length" ? "response.incomplete" : "response.completed", { response: ended });
  return pieces;
}

/** What is filled in by later events. */
function opened({ type }: Fields): Fields {
  return type === "message" ? { content: [] } : { arguments: "" };
}
