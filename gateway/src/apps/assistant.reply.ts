import { z } from "zod";
import type { Citation, Item } from "./assistant.fields.ts";

/** What the model is asked to say; what it says of citations is believed one by one. */
export const replySchema = z.object({
  reply: z.string().min(1),
  citations: z.array(z.object({ itemId: z.string(), quote: z.string() })),
});

export type Reply = { readonly reply: string; readonly citations: readonly Citation[] };

/** What a model's text answers. One that is not the JSON it should be is the reply itself, without citations. */
export function replyOf(text: string, items: readonly Pick<Item, "itemId">[]): Reply {
  const said = jsonIn(text);
  const reply = textOf(said?.reply) ?? text.trim();
  const ids = new Set(items.map(({ itemId }) => itemId));
  const claimed = Array.isArray(said?.citations) ? said.citations : [];
  const found = new Map<string, Citation>();
  for (const claim of claimed) {
    const { success, data } = citation.safeParse(claim);
    if (!success || !ids.has(data.itemId) || !reply.includes(data.quote)) continue;
    found.set(JSON.stringify([data.itemId, data.quote]), data);
  }
  return { reply, citations: [...found.values()] };
}

const citation = z.object({ itemId: z.string(), quote: z.string().trim().min(1) });

/** The object in a text, be it fenced or introduced. */
function jsonIn(text: string): { readonly reply?: unknown; readonly citations?: unknown } | undefined {
  try {
    const json: unknown = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
