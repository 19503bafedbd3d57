import type { Progress } from "./progress.ts";
import type { Showing } from "./showing.ts";
import type { Text } from "./table.ts";

/** What this process can do for the command line. Each loads what it needs when it is asked. */
export type Actions = Showing & {
  /** Runs a command on the data, here or in the server that `url` names. */
  readonly data: (name: string, input: object, url?: string) => Promise<object>;
  /** Starts a server. With `json`, its welcome too is a line of JSON. */
  readonly serve: (json: boolean) => Promise<void>;
  readonly worker: () => Promise<void>;
  readonly migrate: (
    what: "up" | "down" | "status",
    steps: number,
    onProgress: (progress: Progress) => void,
  ) => Promise<object>;
  readonly doctor: () => Promise<{
    readonly text: Text;
    /** Where it looked. */
    readonly note?: string;
    readonly result: object;
    readonly ok: boolean;
  }>;
  readonly sim: (port: number) => Promise<void>;
  /** Waits so many milliseconds between two steps. False: whoever waits has ended it. */
  readonly pause: (ms: number) => Promise<boolean>;
};
