import { type Fields, fieldsOf } from "./json.ts";
import { drop, dropOthers, type Losses, refuse } from "./translate.losses.ts";
import { functionsOf } from "./translate.responses.tools.ts";

/** What responses ask for besides the messages, in the words of a chat. */
export function chatFields(body: Fields, losses: Losses): Fields {
  const { max_output_tokens: limit, temperature, top_p, stream } = body;
  const format = formatOf(fieldsOf(body.text).format, losses);
  const { effort } = fieldsOf(body.reasoning);
  const userId = body.user ?? body.safety_identifier;
  dropUnsaid(body, losses);
  return {
    ...(limit == null ? {} : { max_completion_tokens: limit }),
    ...functionsOf(body, losses),
    ...(format === undefined ? {} : { response_format: format }),
    ...(effort == null ? {} : { reasoning_effort: effort }),
    ...(temperature == null ? {} : { temperature }),
    ...(top_p == null ? {} : { top_p }),
    ...(typeof userId === "string" ? { user: userId.slice(0, MAX_USER_CHARACTERS) } : {}),
    ...(stream === true ? { stream: true } : {}),
  };
}

/** OpenAI refuses longer ones. */
const MAX_USER_CHARACTERS = 64;

function formatOf(format: unknown, losses: Losses): Fields | undefined {
  const { type, name, schema, strict, description } = fieldsOf(format);
  if (format == null || type === "text") return undefined;
  if (type === "json_object") return { type };
  if (type !== "json_schema" || schema == null) {
    refuse(losses, "text.format", "must be text, json_object, or json_schema with a schema");
    return undefined;
  }
  const named = { name: name ?? "answer", ...(description == null ? {} : { description }), schema };
  return { type, json_schema: typeof strict === "boolean" ? { ...named, strict } : named };
}

const SAID: ReadonlySet<string> = new Set([
  "model",
  "input",
  "instructions",
  "max_output_tokens",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "temperature",
  "top_p",
  "user",
  "safety_identifier",
  "stream",
  "stream_options",
  // Told in the answer.
  "metadata",
]);

/** What is kept elsewhere, or works while nobody waits. */
const STORED = ["previous_response_id", "conversation", "prompt"];

/** Values that ask for what happens anyway. */
const IDLE: Readonly<Record<string, readonly unknown[]>> = {
  store: [false],
  background: [false],
  truncation: ["disabled"],
  service_tier: ["auto", "default"],
  top_logprobs: [0],
};

const READ_IN_TEXT: ReadonlySet<string> = new Set(["format"]);
/** Thoughts are told wherever the model shows them. */
const READ_IN_REASONING: ReadonlySet<string> = new Set(["effort", "summary", "generate_summary"]);
const GIVEN_ANYWAY = "reasoning.encrypted_content";

function dropUnsaid(body: Fields, losses: Losses): void {
  for (const name of STORED) {
    if (body[name] != null) refuse(losses, name, "names what is not stored here: send the whole input");
  }
  if (body.background === true) refuse(losses, "background", "is not possible here: nothing is stored");
  const { text, reasoning, include, ...others } = body;
  const { verbosity, ...format } = fieldsOf(text);
  if (verbosity != null && verbosity !== "medium") drop(losses, "text.verbosity");
  dropOthers(losses, format, READ_IN_TEXT, "text.");
  dropOthers(losses, fieldsOf(reasoning), READ_IN_REASONING, "reasoning.");
  if ([include ?? []].flat().some((name) => name !== GIVEN_ANYWAY)) drop(losses, "include");
  const rest = Object.entries(others).filter(
    ([name, value]) => !STORED.includes(name) && !(Object.hasOwn(IDLE, name) && IDLE[name]!.includes(value)),
  );
  dropOthers(losses, Object.fromEntries(rest), SAID);
}
