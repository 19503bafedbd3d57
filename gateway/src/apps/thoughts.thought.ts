import { z } from "zod";

/** Something that somebody wrote down, and what a model drew from it. */
export type Thought = {
  readonly id: number;
  readonly text: string;
  /** Where it was written down, in the caller's words. */
  readonly source: string | null;
  readonly title: string | null;
  /** In lower case. */
  readonly tags: readonly string[];
  readonly people: readonly string[];
  /** Days that the text speaks of, `YYYY-MM-DD`. */
  readonly dates: readonly string[];
  readonly actions: readonly ThoughtAction[];
  /** A model has read the text as it stands. */
  readonly enriched: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** Something to do. */
export type ThoughtAction = {
  readonly id: number;
  readonly text: string;
  readonly done: boolean;
  /** `YYYY-MM-DD` */
  readonly due: string | null;
};

/** A thought as HTTP shows it. */
export const thoughtAnswer = z
  .object({
    id: z.int(),
    text: z.string(),
    source: z.string().nullable(),
    title: z.string().nullable(),
    tags: z.array(z.string()),
    people: z.array(z.string()),
    dates: z.array(z.string()),
    actions: z.array(
      z.object({ id: z.int(), text: z.string(), done: z.boolean(), due: z.string().nullable() }),
    ),
    enriched: z.boolean(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Thought" });

export type ThoughtJson = z.infer<typeof thoughtAnswer>;

export function thoughtJson({ createdAt, updatedAt, ...thought }: Thought): ThoughtJson {
  return {
    ...thought,
    tags: [...thought.tags],
    people: [...thought.people],
    dates: [...thought.dates],
    actions: [...thought.actions],
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
