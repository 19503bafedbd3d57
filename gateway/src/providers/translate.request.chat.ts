import { type Fields, fieldsOf } from "./json.ts";
import { formatForChat } from "./translate.format.ts";
import { drop, dropOthers, type Losses, noLosses, refuse, type Translated } from "./translate.losses.ts";
import { effortFor } from "./translate.reasoning.ts";
import { samplingForChat, stopsForChat } from "./translate.sampling.ts";
import { choiceForChat, toolsForChat } from "./translate.tools.ts";
import { turnsForChat } from "./translate.turns.chat.ts";

export type MessagesToChatOptions = {
  /** The provider's name of it. */
  readonly model: string;
};

/**
 * Anthropic messages as asked for, for a model behind OpenAI's chat completions. A stream's `stream_options` are left
 * to the caller, who knows the provider.
 */
export function messagesToChat(body: Fields, { model }: MessagesToChatOptions): Translated {
  const losses = noLosses();
  const messages = turnsForChat(body, losses);
  const tools = toolsForChat(body.tools, losses);
  const choice = choiceForChat(body.tool_choice, losses);
  const format = formatForChat(fieldsOf(body.output_config).format, losses);
  const effort = effortFor(body, model, losses);
  const stops = stopsForChat(body.stop_sequences, losses);
  const sampling = samplingForChat(body, model, losses);
  const userId = fieldsOf(body.metadata).user_id;
  dropUnsaid(body, losses);
  if (losses.faults.length > 0) return { faults: losses.faults };
  const chat = {
    model,
    messages,
    ...(body.max_tokens == null ? {} : { max_completion_tokens: body.max_tokens }),
    ...(tools.length === 0 ? {} : { tools, ...choice }),
    ...(format === undefined ? {} : { response_format: format }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(stops.length === 0 ? {} : { stop: stops }),
    ...sampling,
    ...(typeof userId === "string" ? { user: userId.slice(0, MAX_USER_CHARACTERS) } : {}),
    ...(body.stream === true ? { stream: true } : {}),
  };
  return { body: chat, dropped: [...losses.dropped] };
}

/** OpenAI refuses longer ones; the clients' begin with what tells users apart. */
const MAX_USER_CHARACTERS = 64;
const SAID: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "system",
  "max_tokens",
  "tools",
  "tool_choice",
  "output_config",
  "thinking",
  "stop_sequences",
  "temperature",
  "top_p",
  "metadata",
  "stream",
]);

/** What another place or another tool would have to do. */
const REFUSED = ["mcp_servers", "container", "inference_geo"];

function dropUnsaid(body: Fields, losses: Losses): void {
  for (const name of REFUSED) {
    if (body[name] != null) refuse(losses, name, "is known to Anthropic's models only");
  }
  const { service_tier: tier, speed, ...rest } = body;
  if (tier != null && tier !== "auto") drop(losses, "service_tier");
  if (speed != null && speed !== "standard") drop(losses, "speed");
  dropOthers(losses, rest, SAID);
}
