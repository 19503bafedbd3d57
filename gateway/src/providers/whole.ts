import { parsedObject } from "./json.ts";
import type { WholeAnswer, Wire } from "./wire.ts";

/** What an answer that came in one piece says about itself. Undefined if the body is not a JSON object. */
export function wholeAnswer(wire: Wire, body: Buffer): WholeAnswer | undefined {
  const answer = parsedObject(body.toString());
  return answer === undefined ? undefined : wire.whole(answer);
}
