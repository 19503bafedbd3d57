import { type Body, boundWith } from "./bound.fields.ts";
import type { BoundOrFaults } from "./bound.ts";

/** What is embedded costs its input only; lists of token numbers are longer as text than as tokens. */
export function embeddingsBound(body: Body, bodyBytes: number): BoundOrFaults {
  return boundWith(body, {
    textBytes: bodyBytes,
    images: 0,
    imageBytes: 0,
    hears: false,
    hasTools: false,
    outputCap: 0,
    choices: 1,
    unbounded: [],
  });
}
