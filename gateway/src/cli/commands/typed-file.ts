import { readFileSync } from "node:fs";
import { UsageError } from "../command.ts";

/**
 * The text of a file, or of standard input for `-`. For flags, as they are typed: a command may run in a server, which
 * reads no files for whoever asks. Throws UsageError.
 */
export function typedFile(flag: string, file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`${flag} names a file that cannot be read: ${file} (${code})`);
  }
}
