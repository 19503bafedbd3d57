import type { Fields } from "./json.ts";
import { drop, type Losses, refuse } from "./translate.losses.ts";
import { type ClaudeTraits, takesSampling } from "./translate.models.ts";

type Thinker = { readonly traits: ClaudeTraits; readonly thinks: boolean };

/**
 * Sampling of a chat for messages: the temperature up to 1, or else top_p, if the model takes them and is not asked to
 * think. 1 is the default of both in both dialects and need not be said.
 */
export function samplingForMessages(chat: Fields, { traits, thinks }: Thinker, losses: Losses): Fields {
  const temperature = numberUnlessOne(chat.temperature, "temperature", losses);
  const topP = numberUnlessOne(chat.top_p, "top_p", losses);
  const isTaken = traits.takesSampling && !thinks;
  if (temperature !== undefined && (!isTaken || temperature > 1)) drop(losses, "temperature");
  if (topP !== undefined && (!isTaken || temperature !== undefined)) drop(losses, "top_p");
  if (!isTaken || (temperature === undefined && topP === undefined)) return {};
  return temperature === undefined ? { top_p: topP } : { temperature: Math.min(1, temperature) };
}

/** Sampling of messages for a chat. */
export function samplingForChat(body: Fields, model: string, losses: Losses): Fields {
  const told = ["temperature", "top_p"].filter((name) => body[name] != null && body[name] !== 1);
  if (takesSampling(model)) return Object.fromEntries(told.map((name) => [name, body[name]]));
  for (const name of told) drop(losses, name);
  return {};
}

function numberUnlessOne(value: unknown, name: string, losses: Losses): number | undefined {
  if (value == null || value === 1) return undefined;
  if (typeof value === "number") return value;
  refuse(losses, name, "must be a number");
  return undefined;
}

/** `stop` of a chat for messages. Anthropic refuses stop sequences that are blank. */
export function stopsForMessages(stop: unknown, losses: Losses): readonly string[] {
  const stops = (Array.isArray(stop) ? stop : stop == null ? [] : [stop]).filter((text) => text !== "");
  if (!stops.every((text) => typeof text === "string")) {
    refuse(losses, "stop", "must be a text or a list of texts");
    return [];
  }
  const said = stops.filter((text) => text.trim() !== "");
  if (said.length < stops.length) drop(losses, "stop");
  return said;
}

/** OpenAI refuses more. */
const MAX_STOPS = 4;

/** `stop_sequences` of messages for a chat. */
export function stopsForChat(stops: unknown, losses: Losses): readonly unknown[] {
  if (stops == null) return [];
  if (!Array.isArray(stops)) {
    refuse(losses, "stop_sequences", "must be a list of texts");
    return [];
  }
  if (stops.length > MAX_STOPS) drop(losses, "stop_sequences");
  return stops.slice(0, MAX_STOPS);
}
