import { nextTurn } from "../lib/clock.ts";

export type GroupCommit<Item, Result> = {
  /** Resolves with the item's result when its batch is committed; rejects if its batch fails. */
  add(item: Item): Promise<Result>;
  /** Resolves when nothing waits and nothing is in flight. */
  drain(): Promise<void>;
};

type Waiting<Item, Result> = {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Group commit: one batch is in flight, and what arrives meanwhile is the next one. There is no timer, so a lone
 * item never waits for company. `commit` gets at most `most` items and answers one result each, in their order.
 */
export function groupCommit<Item, Result>(
  commit: (items: readonly Item[]) => Promise<readonly Result[]>,
  most = 200,
): GroupCommit<Item, Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let idle: PromiseWithResolvers<void> | undefined;

  async function run(): Promise<void> {
    const batch = waiting.splice(0, most);
    try {
      const results = await commit(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    if (waiting.length > 0) return nextTurn(run);
    idle?.resolve();
    idle = undefined;
  }

  return {
    add(item) {
      if (idle === undefined) {
        idle = Promise.withResolvers();
        nextTurn(run);
      }
      return new Promise((resolve, reject) => waiting.push({ item, resolve, reject }));
    },
    drain: async () => idle?.promise,
  };
}
