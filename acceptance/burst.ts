import { type Caller, type ChatFields, codeOf } from "./caller.ts";

/** How a call ended, without its answer. `code` is that of a refusal. */
export type Outcome = { readonly status: number; readonly code: string | undefined };

/** Reads the answer to its end. */
export async function outcomeOf(asked: Promise<Response>): Promise<Outcome> {
  const answer = await asked;
  if (!answer.ok) return { status: answer.status, code: await codeOf(answer) };
  await answer.arrayBuffer();
  return { status: answer.status, code: undefined };
}

/** `count` calls at once, in turn through all callers. */
export function burst(
  callers: readonly Caller[],
  count: number,
  fields: () => ChatFields,
): Promise<readonly Outcome[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => outcomeOf(callers[index % callers.length]!.chat(fields()))),
  );
}
