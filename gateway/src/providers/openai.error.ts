import { type Fields, fieldsOf } from "./json.ts";

/** What a provider says went wrong, in an error body or inside a stream. */
export type ProviderError = {
  readonly message: string;
  /** HTTP status, where the error names one itself. */
  readonly status?: number;
  readonly code?: string;
};

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

function described(message: unknown, fields: Fields, answer: Fields): ProviderError {
  const status = [fields.status, fields.status_code, answer.status_code, fields.code].find(isErrorStatus);
  const code = [fields.code, fields.type].find((value) => typeof value === "string" && value !== "");
  return {
    message: typeof message === "string" && message !== "" ? message : "The provider gave no reason.",
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code: code as string }),
  };
}

function isErrorStatus(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 400 && value <= 599;
}
