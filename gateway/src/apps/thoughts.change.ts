import type { Db, Tx } from "../store/tables.ts";
import type { Drawn } from "./thoughts.drawn.ts";
import { findThought, searchable } from "./thoughts.store.ts";
import type { Thought } from "./thoughts.thought.ts";

/** What its owner changes of a thought; a new text has been read by nobody. */
export type ThoughtPatch = {
  readonly text?: string | undefined;
  readonly source?: string | null | undefined;
  readonly title?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly people?: readonly string[] | undefined;
  readonly dates?: readonly string[] | undefined;
  readonly actions?: readonly ActionPatch[] | undefined;
};

/** Of an action of the thought, by its id; without one it is new. */
export type ActionPatch = {
  readonly id?: number | undefined;
  readonly text?: string | undefined;
  readonly done?: boolean | undefined;
  readonly due?: string | null | undefined;
};

/** Undefined if there is no such thought; a number is the place in `actions` of one that is not the thought's. */
export function changeThought(
  db: Db,
  userId: string,
  id: number,
  { actions = [], ...patch }: ThoughtPatch,
  now: number,
): Promise<Thought | number | undefined> {
  return db.transaction().execute(async (tx) => {
    const before = await lockThought(tx, userId, id);
    if (before === undefined) return undefined;
    const known = new Set(before.actions.map((action) => action.id));
    const unknown = actions.findIndex((action) => action.id !== undefined && !known.has(action.id));
    if (unknown >= 0) return unknown;
    const after = { ...before, ...given(patch) };
    const isSameText = after.text === before.text;
    await writeThought(tx, { ...after, enriched: before.enriched && isSameText }, now);
    for (const { id: actionId, ...action } of actions) {
      if (actionId === undefined) await addAction(tx, id, action, now);
      else await changeAction(tx, actionId, action, now);
    }
    return findThought(tx, userId, id);
  });
}

/**
 * Puts in what a model drew from `text`. Actions that are done stay, and so does an open one that was drawn again.
 * Undefined if the thought says something else by now, or is gone.
 */
export function enrichThought(
  db: Db,
  userId: string,
  { id, text }: Pick<Thought, "id" | "text">,
  { actions, ...drawn }: Drawn,
  now: number,
): Promise<Thought | undefined> {
  return db.transaction().execute(async (tx) => {
    const before = await lockThought(tx, userId, id);
    if (before === undefined || before.text !== text) return undefined;
    await writeThought(tx, { ...before, ...drawn, enriched: true }, now);
    const texts = new Set(actions.map((action) => action.text));
    const stale = before.actions.filter((action) => !action.done && !texts.has(action.text));
    const ids = stale.map((action) => action.id);
    if (ids.length > 0) await tx.deleteFrom("thought_actions").where("id", "in", ids).execute();
    const known = new Map(before.actions.map((action) => [action.text, action]));
    for (const { text: what, due } of actions) {
      const same = known.get(what);
      if (same === undefined) await addAction(tx, id, { text: what, due }, now);
      else if (!same.done) await changeAction(tx, same.id, { due }, now);
    }
    return findThought(tx, userId, id);
  });
}

/** Nobody else changes the thought or its actions until `tx` ends. */
async function lockThought(tx: Tx, userId: string, id: number): Promise<Thought | undefined> {
  await tx
    .selectFrom("thoughts")
    .select("id")
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .forUpdate()
    .execute();
  return findThought(tx, userId, id);
}

async function writeThought(tx: Tx, thought: Thought, now: number): Promise<void> {
  const { id, text, source, title, tags, people, dates, enriched } = thought;
  await tx
    .updateTable("thoughts")
    .set({ text, source, title, tags: [...tags], people: [...people], dates: [...dates], enriched })
    .set({ words: searchable(thought), updated_at: new Date(now) })
    .where("id", "=", id)
    .execute();
}

async function addAction(tx: Tx, thoughtId: number, { text = "", done, due }: ActionPatch, now: number) {
  const doneAt = done === true ? new Date(now) : null;
  await tx
    .insertInto("thought_actions")
    .values({ thought_id: thoughtId, text, due: due ?? null, done_at: doneAt })
    .execute();
}

async function changeAction(tx: Tx, id: number, { text, done, due }: ActionPatch, now: number) {
  const doneAt = done === undefined ? undefined : done ? new Date(now) : null;
  const changed = given({ text, due, done_at: doneAt });
  if (Object.keys(changed).length === 0) return;
  await tx.updateTable("thought_actions").set(changed).where("id", "=", id).execute();
}

/** Without the fields that nobody gave. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
