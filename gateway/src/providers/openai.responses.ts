import { fieldsOf, textOf } from "./json.ts";
import { asErrorBody, openAiError } from "./openai.error.ts";
import { responsesMetered } from "./openai.responses.usage.ts";
import { eventScan } from "./tap.scan.ts";
import { textBytesOf } from "./text.ts";
import { type EventReader, NOTHING_SEEN, type Seen, type Wire } from "./wire.ts";

const OPENINGS = ["response.created", "response.queued", "response.in_progress"];
const openingNames: ReadonlySet<unknown> = new Set(OPENINGS);
const ENDS = ["response.completed", "response.incomplete", "response.failed"];
const endNames: ReadonlySet<unknown> = new Set(ENDS);
const textFields: ReadonlySet<string> = new Set(["text", "arguments", "input", "refusal"]);

/** OpenAI's responses, xAI's and other servers' among them. */
export const openAiResponses: Wire = {
  name: "openai-responses",
  scan: eventScan({
    read: ["usage", "error"],
    marks: ["error", ...OPENINGS, ...ENDS],
    finish: [],
    // The events that close a part repeat its text under other names.
    text: ["delta"],
  }),
  whole(answer) {
    return {
      isAnswer: Array.isArray(answer.output),
      model: textOf(answer.model),
      metered: responsesMetered(answer),
      isOutputCounted: true,
      textBytes: textBytesOf(answer.output, textFields),
      error: openAiError(answer),
    };
  },
  events: readResponses,
};

/** Only the event that ends a stream has a usage. A failed response has none. */
function readResponses(): EventReader {
  let seen: Seen = NOTHING_SEEN;
  return {
    read(event) {
      const { name, fields } = event;
      const response = fieldsOf(fields.response);
      const metered = responsesMetered(response);
      if (metered !== undefined) {
        seen = { ...seen, metered, isOutputCounted: true, model: textOf(response.model) ?? seen.model };
      }
      const isFailed = name === "response.failed" || fields.type === "response.failed";
      const failure = isFailed && response.error == null ? { error: {} } : response;
      seen = { ...seen, error: seen.error ?? openAiError(asErrorBody(event)) ?? openAiError(failure) };
      if (openingNames.has(fields.type)) return "open";
      return endNames.has(fields.type) || endNames.has(name) ? "hold" : "pass";
    },
    seen: () => seen,
  };
}
