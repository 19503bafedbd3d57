import type { Fields } from "./json.ts";

/** Turns the events of one stream into those of the other dialect. Never throws. */
export type StreamTranslator = {
  /** The events that can be said now. After an error there are none. */
  push(event: Fields): readonly Fields[];
  /** What ends the answer, usage included; nothing if the provider has not finished it. To be called once. */
  end(): readonly Fields[];
  /** The provider has said how the answer ended. The usage of a chat may still follow. */
  readonly complete: boolean;
};

/** One after the other: the second reads what the first says. */
export function chained<Second extends StreamTranslator>(first: StreamTranslator, second: Second): Second {
  return {
    ...second,
    push: (event) => first.push(event).flatMap((said) => second.push(said)),
    end: () => [...first.end().flatMap((said) => second.push(said)), ...second.end()],
    get complete() {
      return first.complete && second.complete;
    },
  };
}
