import type { Pico } from "../lib/money.ts";

/** At least `needPico`, at most `wantPico`, out of every one of these budgets. Their ids are distinct. */
export type AdmissionRequest = {
  readonly budgetIds: readonly number[];
  readonly needPico: Pico;
  readonly wantPico: Pico;
};

export type Admission =
  | { readonly granted: true; readonly amountPico: Pico }
  /** The budget with too little room; of several, the one with the least. */
  | { readonly granted: false; readonly budgetId: number };

/**
 * Admits requests in their order, each against what the earlier ones left. A request takes the same amount from all
 * its budgets or nothing from any. A budget that is not in `rooms` has no room.
 */
export function grantInOrder(
  rooms: ReadonlyMap<number, Pico>,
  requests: readonly AdmissionRequest[],
): readonly Admission[] {
  const left = new Map(rooms);
  return requests.map(({ budgetIds, needPico, wantPico }) => {
    const tightest = tightestOf(left, budgetIds);
    if (tightest === undefined) return { granted: true, amountPico: wantPico };
    if (tightest.room === undefined || tightest.room < needPico) {
      return { granted: false, budgetId: tightest.budgetId };
    }
    let amountPico = wantPico;
    if (tightest.room < amountPico) amountPico = tightest.room;
    for (const id of budgetIds) left.set(id, left.get(id)! - amountPico);
    return { granted: true, amountPico };
  });
}

/** Undefined if there are no budgets; a room of undefined means that the budget is unknown. */
function tightestOf(
  left: ReadonlyMap<number, Pico>,
  budgetIds: readonly number[],
): { readonly budgetId: number; readonly room: Pico | undefined } | undefined {
  let tightest: { readonly budgetId: number; readonly room: Pico } | undefined;
  for (const budgetId of budgetIds) {
    const room = left.get(budgetId);
    if (room === undefined) return { budgetId, room };
    if (tightest === undefined || room < tightest.room) tightest = { budgetId, room };
  }
  return tightest;
}
