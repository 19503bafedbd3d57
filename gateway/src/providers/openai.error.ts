import { type Fields, fieldsOf, textOf } from "./json.ts";
import type { ProviderError, StreamEvent } from "./wire.ts";

/**
 * Reads the shapes in use: `{error:{message,type,code}}` (OpenAI, OpenRouter with a numeric code), `{code,error:"text"}`
 * (xAI), `{error:"text"}` (Ollama), `{object:"error",message,code}` (vLLM). Undefined if it is not an error.
 */
export function openAiError(answer: Fields): ProviderError | undefined {
  const inner = answer.error;
  if (typeof inner === "string") return described(inner, answer, answer);
  if (typeof inner === "object" && inner !== null) {
    const fields = fieldsOf(inner);
    return described(fields.message, fields, answer);
  }
  if (answer.object === "error") return described(answer.message, answer, answer);
  return undefined;
}

/** An event of a stream as an error body: one that is called `error` may be the error itself. */
export function asErrorBody({ name, fields }: StreamEvent): Fields {
  const isItself = (name === "error" || fields.type === "error") && fields.error == null;
  return isItself ? { error: fields } : fields;
}

/** The status that goes with a code or type, where nothing else tells it: inside a stream, and in a failed response. */
const STATUS: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  invalid_prompt: 400,
  context_length_exceeded: 400,
  content_filter: 400,
  content_policy_violation: 400,
  image_content_policy_violation: 400,
  invalid_image: 400,
  unsupported_parameter: 400,
  unsupported_value: 400,
  authentication_error: 401,
  invalid_api_key: 401,
  permission_error: 403,
  not_found_error: 404,
  model_not_found: 404,
  insufficient_quota: 429,
  rate_limit_exceeded: 429,
  rate_limit_error: 429,
  tokens: 429,
  requests: 429,
};

function statusOf(fields: Fields): number | undefined {
  const word = [fields.code, fields.type].find(
    (each) => typeof each === "string" && Object.hasOwn(STATUS, each),
  );
  return STATUS[word as string];
}

function described(message: unknown, fields: Fields, answer: Fields): ProviderError {
  const told = [fields.status, fields.status_code, answer.status_code, fields.code].find(isErrorStatus);
  const status = told ?? statusOf(fields);
  const code = textOf(fields.code) ?? textOf(fields.type === "error" ? undefined : fields.type);
  return {
    message: textOf(message) ?? "The provider gave no reason.",
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
  };
}

function isErrorStatus(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 400 && value <= 599;
}
