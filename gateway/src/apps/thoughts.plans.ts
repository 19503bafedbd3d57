import { sql } from "kysely";
import { z } from "zod";
import type { Db, Tx } from "../store/tables.ts";

/** The order in which to do what is open. */
export type Plan = {
  /** From 1 on, each of a user's once. */
  readonly version: number;
  /** `due`: no model has said anything of use. */
  readonly orderedBy: "model" | "due";
  readonly createdAt: Date;
  readonly items: readonly { readonly actionId: number; readonly text: string; readonly why: string }[];
};

export type OpenAction = {
  readonly id: number;
  readonly text: string;
  readonly due: string | null;
  /** Title of the thought that it is of. */
  readonly thought: string | null;
};

/** A plan as HTTP shows it. */
export const planAnswer = z
  .object({
    version: z.int(),
    ordered_by: z.enum(["model", "due"]),
    created_at: z.string(),
    items: z.array(z.object({ action_id: z.int(), text: z.string(), why: z.string() })),
  })
  .meta({ id: "ThoughtsPlan" });

export function planJson({ version, orderedBy, createdAt, items }: Plan): z.infer<typeof planAnswer> {
  return {
    version,
    ordered_by: orderedBy,
    created_at: createdAt.toISOString(),
    items: items.map(({ actionId, text, why }) => ({ action_id: actionId, text, why })),
  };
}

/** Older ones are forgotten. */
const KEPT_VERSIONS = 20;

/** What the user has still to do: what is due first, then what was written down first. */
export function openActions(db: Db, userId: string, limit: number): Promise<readonly OpenAction[]> {
  return db
    .selectFrom("thought_actions as action")
    .innerJoin("thoughts", "thoughts.id", "action.thought_id")
    .select(["action.id", "action.text", "action.due", "thoughts.title as thought"])
    .where("thoughts.user_id", "=", userId)
    .where("action.done_at", "is", null)
    .orderBy("action.due", (order) => order.asc().nullsLast())
    .orderBy("action.id")
    .limit(limit)
    .execute();
}

/** Keeps a plan under the next version; of several at once each gets its own. Actions that are gone are left out. */
export function keepPlan(
  db: Db,
  userId: string,
  plan: {
    readonly items: readonly { readonly id: number; readonly why: string }[];
    readonly orderedBy: Plan["orderedBy"];
  },
  now: number,
): Promise<Plan> {
  return db.transaction().execute(async (tx) => {
    const version = await nextVersion(tx, userId, plan.orderedBy, now);
    const ids = plan.items.map(({ id }) => id);
    const reasons = plan.items.map(({ why }) => why);
    await sql`
      insert into thought_plan_items (user_id, version, place, action_id, why)
      select ${userId}, ${version}, item.place, action.id, item.why
      from unnest(${ids}::bigint[], ${reasons}::text[]) with ordinality as item (id, why, place)
      join thought_actions as action on action.id = item.id
      for share of action`.execute(tx);
    const oldest = version - KEPT_VERSIONS;
    await tx
      .deleteFrom("thought_plans")
      .where("user_id", "=", userId)
      .where("version", "<=", oldest)
      .execute();
    return (await findPlan(tx, userId, version))!;
  });
}

/** What is still open of a plan. @param version undefined: the newest. Undefined if there is none. */
export async function findPlan(db: Db, userId: string, version?: number): Promise<Plan | undefined> {
  const plan = await db
    .selectFrom("thought_plans")
    .select(["version", "ordered_by as orderedBy", "created_at as createdAt"])
    .where("user_id", "=", userId)
    .$if(version !== undefined, (query) => query.where("version", "=", version!))
    .orderBy("version", "desc")
    .limit(1)
    .executeTakeFirst();
  if (plan === undefined) return undefined;
  const items = await db
    .selectFrom("thought_plan_items as item")
    .innerJoin("thought_actions as action", "action.id", "item.action_id")
    .select(["item.action_id as actionId", "action.text", "item.why"])
    .where("item.user_id", "=", userId)
    .where("item.version", "=", plan.version)
    .where("action.done_at", "is", null)
    .orderBy("item.place")
    .execute();
  return { ...plan, items };
}

/** Whoever loses the race for a version waits for the winner, and takes the one after. */
async function nextVersion(
  tx: Tx,
  userId: string,
  orderedBy: Plan["orderedBy"],
  now: number,
): Promise<number> {
  for (;;) {
    const { rows } = await sql<{ version: number }>`
      insert into thought_plans (user_id, version, ordered_by, created_at)
      select ${userId}, coalesce(max(version), 0) + 1, ${orderedBy}, ${new Date(now)}
      from thought_plans
      where user_id = ${userId}
      on conflict do nothing
      returning version`.execute(tx);
    if (rows[0] !== undefined) return rows[0].version;
  }
}
