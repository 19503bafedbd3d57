/** One call on a window: when it was asked and answered, and what the answer said. */
export type Event = {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly admitted: boolean;
  readonly remaining: number;
};

/**
 * Why no order of single steps explains what these calls on one window of `limit` were told; undefined: one does. A
 * call that began after another had ended comes after it. All must belong to one window that began empty.
 */
export function unexplained(history: readonly Event[], limit: number): string | undefined {
  const admitted = history.filter((event) => event.admitted).toSorted((a, b) => b.remaining - a.remaining);
  const told = admitted.map(({ remaining }) => remaining);
  const expected = told.map((_, i) => limit - 1 - i);
  if (admitted.length > limit) return `${admitted.length} passed a limit of ${limit}`;
  if (told.join() !== expected.join()) return `those that passed were told ${told.join()}`;
  const refused = history.filter((event) => !event.admitted);
  if (refused.length > 0 && admitted.length < limit) return "refused while there was room";
  if (refused.some(({ remaining }) => remaining !== 0)) return "refused with something remaining";

  // The order is settled: by what remained, and the refused after them all.
  const steps = [...admitted, ...refused];
  let latestStart = Number.NEGATIVE_INFINITY;
  for (const [i, { startedAt, endedAt }] of steps.entries()) {
    const isAdmitted = i < admitted.length;
    if (endedAt < latestStart) return `step ${i} had ended before an earlier one began`;
    // Refusals change nothing, so they need no order among themselves.
    if (isAdmitted) latestStart = Math.max(latestStart, startedAt);
  }
  return undefined;
}
