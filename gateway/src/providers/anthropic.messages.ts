import { anthropicMetered, merged } from "./anthropic.usage.ts";
import { type Fields, fieldsOf, objectsOf, textOf } from "./json.ts";
import { asErrorBody, openAiError } from "./openai.error.ts";
import { eventScan } from "./tap.scan.ts";
import { textBytesOf } from "./text.ts";
import { type EventReader, NOTHING_SEEN, type ProviderError, type Seen, type Wire } from "./wire.ts";

/** Of thinking that is not shown, what stands for it is as long. */
const TEXT = ["text", "thinking", "partial_json", "signature", "data"];
const textFields: ReadonlySet<string> = new Set(TEXT);

/** Anthropic's messages, and every provider that is compatible with them. */
export const anthropicMessages: Wire = {
  name: "anthropic-messages",
  scan: eventScan({
    read: ["usage", "error"],
    marks: ["error", "message_stop"],
    finish: ["stop_reason"],
    text: TEXT,
  }),
  whole(answer) {
    const usage = fieldsOf(answer.usage);
    return {
      isAnswer: answer.type === "message" && Array.isArray(answer.content),
      model: fallbackModel(usage) ?? textOf(answer.model),
      metered: anthropicMetered(usage),
      isOutputCounted: true,
      textBytes: textBytesOf(answer.content, textFields),
      error: anthropicError(answer),
    };
  },
  events: readMessages,
};

/**
 * `message_start` tells the input exactly and a placeholder of output; what `message_delta` tells is cumulative. A
 * field of a later event replaces the one before, unless it is null or missing.
 */
function readMessages(): EventReader {
  let seen: Seen = NOTHING_SEEN;
  let usage: Fields = {};
  return {
    read(event) {
      const { name, fields } = event;
      const message = fieldsOf(fields.message);
      if (message.usage != null || fields.usage != null) {
        usage = merged(merged(usage, message.usage), fields.usage);
        seen = {
          ...seen,
          model: fallbackModel(usage) ?? seen.model ?? textOf(message.model),
          metered: anthropicMetered(usage),
          isOutputCounted: seen.isOutputCounted || fieldsOf(fields.usage).output_tokens != null,
        };
      }
      seen = { ...seen, error: seen.error ?? anthropicError(asErrorBody(event)) };
      if (fields.type === "message_start") return "open";
      return name === "message_stop" || fields.type === "message_stop" ? "hold" : "pass";
    },
    seen: () => seen,
  };
}

/** The model that took over from one that declined; the usage is then its own. */
function fallbackModel(usage: Fields): string | undefined {
  return textOf(objectsOf(usage.iterations).findLast(({ type }) => type === "fallback_message")?.model);
}

/** The status that goes with each type of error, which inside a stream is told by nothing else. */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** An account without credit is refused with 400 and the type of a bad request: only the sentence tells. */
const OUT_OF_CREDIT = /^Your credit balance is too low/;

/** `{type:"error",error:{type,message,details:{error_code}}}`. The error code, where there is one, says more. */
export function anthropicError(answer: Fields): ProviderError | undefined {
  const error = openAiError(answer);
  if (error === undefined) return undefined;
  const { type, details } = fieldsOf(answer.error);
  const saidCode = textOf(fieldsOf(details).error_code) ?? error.code;
  const code = OUT_OF_CREDIT.test(error.message) ? "billing_error" : saidCode;
  const status =
    error.status ?? (typeof type === "string" && Object.hasOwn(STATUS, type) ? STATUS[type] : undefined);
  return {
    message: error.message,
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
  };
}
