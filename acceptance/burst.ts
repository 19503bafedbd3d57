import { type Caller, codeOf } from "./caller.ts";

/** How a call ended, without its answer. `code` is that of a refusal. */
export type Outcome = { readonly status: number; readonly code: string | undefined };

/** Reads the answer to its end. */
export async function outcomeOf(asked: Promise<Response>): Promise<Outcome> {
  const answer = await asked;
  return {
    status: answer.status,
    code: answer.ok ? void (await answer.arrayBuffer()) : await codeOf(answer),
  };
}

/** `count` calls at once, in turn through all callers. */
export async function burst(
  callers: readonly Caller[],
  count: number,
  fields: (index: number) => ChatFields,
): Promise<readonly Outcome[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, index) => outcomeOf(callers[index % 2]!.chat({ model }))),
  );
}
