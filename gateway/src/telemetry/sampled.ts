import type { Clock } from "../lib/clock.ts";

/**
 * Answers whether an event of a subject is worth noting: at most once per subject in `everyMs`. While `maxSubjects`
 * others have been noted in that time, a new one is not, so that a flood of subjects fills neither memory nor the log.
 */
export function sampled(options: {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly maxSubjects: number;
}): (subject: string) => boolean {
  const { clock, everyMs, maxSubjects } = options;
  /** When each was noted, the oldest first. */
  const noted = new Map<string, number>();
  return (subject) => {
    const now = clock.monotonic();
    for (const [oldest, at] of noted) {
      if (now - at < everyMs) break;
      noted.delete(oldest);
    }
    if (noted.has(subject) || noted.size >= maxSubjects) return false;
    noted.set(subject, now);
    return true;
  };
}
