const names = new Intl.DateTimeFormat("en-GB", { weekday: "long", timeZone: "UTC" });

/** The UTC day of a time as a model is told: `Friday, 2026-11-27`. */
export function todayAt(ms: number): string {
  const at = new Date(ms);
  return `${names.format(at)}, ${at.toISOString().slice(0, 10)}`;
}
