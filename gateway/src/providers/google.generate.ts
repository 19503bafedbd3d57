import { googleMetered } from "./google.usage.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import { asErrorBody, openAiError } from "./openai.error.ts";
import { eventScan } from "./tap.scan.ts";
import { textBytesOf } from "./text.ts";
import { type EventReader, NOTHING_SEEN, type ProviderError, type Seen, type Wire } from "./wire.ts";

/** `stringValue`: the arguments of a call, where Vertex streams them in parts. */
const TEXT = ["text", "stringValue"];
const textFields: ReadonlySet<string> = new Set(TEXT);

/** Gemini's `generateContent` and, as server-sent events, `streamGenerateContent`. */
export const googleGenerate: Wire = {
  name: "google-generate",
  scan: eventScan({
    read: ["usageMetadata", "error", "finishReason", "blockReason"],
    marks: ["error"],
    finish: ["finishReason", "blockReason"],
    text: TEXT,
  }),
  whole: (answer) => ({
    isAnswer: Array.isArray(answer.candidates) || blockReason(answer) !== undefined,
    model: textOf(answer.modelVersion),
    metered: googleMetered(answer),
    isOutputCounted: true,
    textBytes: textBytesOf(answer.candidates, textFields),
    error: googleError(answer),
  }),
  events: readGenerated,
};

/**
 * Usage is cumulative: the last one stands. A stream ends without a marker, so that its end is held from the event on
 * that gives a reason to stop.
 */
function readGenerated(): EventReader {
  let seen: Seen = NOTHING_SEEN;
  return {
    read(event) {
      const { fields } = event;
      const metered = googleMetered(fields);
      if (metered !== undefined) {
        seen = { ...seen, metered, isOutputCounted: true, model: textOf(fields.modelVersion) ?? seen.model };
      }
      seen = { ...seen, error: seen.error ?? googleError(asErrorBody(event)) };
      return isLast(fields) ? "hold" : "pass";
    },
    seen: () => seen,
  };
}

function isLast(answer: Fields): boolean {
  return (
    blockReason(answer) !== undefined ||
    objectsOf(answer.candidates).some(({ finishReason }) => textOf(finishReason) !== undefined)
  );
}

function blockReason(answer: Fields): string | undefined {
  return textOf(fieldsOf(answer.promptFeedback).blockReason);
}

/** `{error:{code:429,message,status:"RESOURCE_EXHAUSTED"}}`. */
export function googleError(answer: Fields): ProviderError | undefined {
  const error = openAiError(answer);
  const code = textOf(fieldsOf(answer.error).status);
  return error === undefined || code === undefined ? error : { ...error, code };
}
