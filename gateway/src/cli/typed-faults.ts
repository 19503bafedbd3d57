import { UsageError } from "./command.ts";
import type { Declaration } from "./declaration.ts";

/** What is wrong with the input of a command, with the names under which it was typed: `--daily-quota`. */
export function asTyped(declaration: Declaration, error: unknown): unknown {
  if (!(error instanceof UsageError) || error.faults === undefined) return error;
  return UsageError.of(
    error.faults.map(({ path, message }) => ({ path: typedName(declaration, path), message })),
  );
}

/** Of `dailyQuota` and `daily_quota` alike. Places in a list are left out: they were typed with commas between. */
function typedName({ options }: Declaration, path: string): string {
  const [field = "", ...within] = path.split(".");
  const words = field.replaceAll("_", "-").replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const long = options.map(([flags]) => /--[a-z-]+/.exec(flags)![0]);
  const name = long.find((flag) => flag === `--${words}` || flag === `--no-${words}`) ?? words;
  return [name, ...within.filter((part) => !/^\d+$/.test(part))].join(" ");
}
