import { z } from "zod";

const MAX_ITEMS = 50;
const MAX_ATTRIBUTES = 40;
const MAX_TURNS = 20;

const attribute = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]);

/** Something that is for sale, as its seller describes it. */
const item = z.strictObject({
  itemId: z.string().trim().min(1).max(128),
  title: z.string().trim().min(1).max(300),
  description: z.string().trim().max(4_000).optional(),
  attributes: z
    .record(z.string().min(1).max(100), attribute)
    .refine((all) => Object.keys(all).length <= MAX_ATTRIBUTES, `must have at most ${MAX_ATTRIBUTES} entries`)
    .optional(),
});

const items = z
  .array(item)
  .max(MAX_ITEMS)
  .superRefine((all, context) => {
    const seen = new Set<string>();
    for (const [index, { itemId }] of all.entries()) {
      if (seen.has(itemId)) {
        context.addIssue({ code: "custom", path: [index, "itemId"], message: "must be unique" });
      }
      seen.add(itemId);
    }
  });

const turn = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z.string().trim().min(1).max(8_000),
});

export const chatBody = z
  .strictObject({
    items,
    message: z.string().trim().min(1).max(4_000),
    /** What was said before, oldest first. */
    history: z.array(turn).max(MAX_TURNS).optional(),
  })
  .meta({ id: "AssistChatRequest" });

export const warmupBody = z.strictObject({ items: items.optional() }).meta({ id: "AssistWarmupRequest" });

const citation = z.object({ itemId: z.string(), quote: z.string() });

export const chatAnswer = z
  .object({
    reply: z.string(),
    /** Of each citation, the item supports this sentence of the reply. */
    citationsMetadata: z.object({ fromCache: z.boolean(), citations: z.array(citation) }),
    correlationId: z.string(),
  })
  .meta({ id: "AssistChatAnswer" });

export const warmupAnswer = z.object({ ready: z.literal(true) }).meta({ id: "AssistWarmupAnswer" });

export type Item = z.infer<typeof item>;
export type Question = z.infer<typeof chatBody>;
export type Citation = z.infer<typeof citation>;
