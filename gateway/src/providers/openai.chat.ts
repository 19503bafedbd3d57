import { type Fields, isObject, textOf } from "./json.ts";
import { asErrorBody, openAiError } from "./openai.error.ts";
import { openAiMetered } from "./openai.metered.ts";
import { eventScan } from "./tap.scan.ts";
import { textBytesOf } from "./text.ts";
import { type EventReader, NOTHING_SEEN, type Seen, type Wire } from "./wire.ts";

const TEXT = ["content", "reasoning", "reasoning_content", "refusal", "arguments", "text", "thinking"];
const textFields: ReadonlySet<string> = new Set(TEXT);

/** OpenAI's chat completions, and every provider that is compatible with them. */
export const openAiChat: Wire = {
  name: "openai-chat",
  scan: eventScan({
    read: ["usage", "error"],
    marks: ["error"],
    finish: ["finish_reason"],
    text: TEXT,
  }),
  whole(answer) {
    const choices = Array.isArray(answer.choices) ? answer.choices : [];
    return {
      isAnswer: isCompletion(answer, choices),
      model: textOf(answer.model),
      metered: openAiMetered(answer),
      isOutputCounted: true,
      textBytes: textBytesOf(choices, textFields),
      error: openAiError(answer),
    };
  },
  events: readChat,
};

/** A blocked prompt is answered too: with no choice, or with one whose message is null. */
function isCompletion(answer: Fields, choices: readonly unknown[]): boolean {
  if (choices.length > 0) return choices.every((choice) => isObject(choice) && "message" in choice);
  return Array.isArray(answer.choices) && (answer.object === "chat.completion" || answer.usage != null);
}

/**
 * A usage that comes again replaces the one before: vLLM can send a cumulative one with every event. An event is
 * hidden only if it has a usage and no choice; Azure sends filter results without choices that must pass.
 */
function readChat(): EventReader {
  let seen: Seen = NOTHING_SEEN;
  return {
    read(event) {
      if (event.data.trim() === "[DONE]") return "hold";
      const { fields } = event;
      const metered = openAiMetered(fields);
      if (metered !== undefined) {
        seen = { ...seen, metered, isOutputCounted: true, model: textOf(fields.model) ?? seen.model };
      }
      seen = { ...seen, error: seen.error ?? openAiError(asErrorBody(event)) };
      const isUsageOnly =
        Array.isArray(fields.choices) && fields.choices.length === 0 && fields.usage != null;
      return isUsageOnly ? "hide" : "pass";
    },
    seen: () => seen,
  };
}
