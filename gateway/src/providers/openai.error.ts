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

function described(message: unknown, fields: Fields, answer: Fields): ProviderError {
  const status = [fields.status, fields.status_code, answer.status_code, fields.code].find(isErrorStatus);
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
