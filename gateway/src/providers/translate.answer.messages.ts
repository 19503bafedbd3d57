import { type Fields, fieldsOf, objectsOf } from "./json.ts";
import { type Said, saidIn } from "./translate.said.ts";
import { stopOf } from "./translate.stops.ts";
import { toolInput } from "./translate.tools.ts";
import { messagesUsage, usageOfChat } from "./translate.usage.ts";

export type MessageIdentity = {
  readonly id: string;
  /** As the client asked for it. */
  readonly model: string;
};

/** A whole chat completion as an answer of Anthropic's messages. Thoughts have no signature. */
export function chatAnswerToMessages(answer: Fields, { id, model }: MessageIdentity): Fields {
  const choice = objectsOf(answer.choices)[0] ?? {};
  const message = fieldsOf(choice.message);
  const said = saidIn(message);
  const calls = objectsOf(message.tool_calls).map((call, index) => toolUse(call, index, id));
  const ending = {
    finishReason: choice.finish_reason,
    callsTools: calls.length > 0,
    refuses: said.some(({ kind }) => kind === "refusal"),
  };
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content: [...joined(said), ...calls],
    stop_reason: stopOf(ending),
    stop_sequence: null,
    usage: messagesUsage(usageOfChat(answer)),
  };
}

/** The id of a call that came without one: unlike those of other answers. */
export function missingCallId(answerId: string, index: number): string {
  return `toolu_${answerId.replaceAll(/[^A-Za-z0-9_-]/g, "")}_${index}`;
}

function joined(said: readonly Said[]): readonly Fields[] {
  const blocks: { type: string; text: string }[] = [];
  for (const { kind, text } of said) {
    const type = kind === "thinking" ? "thinking" : "text";
    const last = blocks.at(-1);
    if (last?.type === type) last.text += text;
    else blocks.push({ type, text });
  }
  return blocks.map(({ type, text }) =>
    type === "thinking" ? { type, thinking: text, signature: "" } : { type, text },
  );
}

function toolUse(call: Fields, index: number, answerId: string): Fields {
  const { name, arguments: text } = fieldsOf(call.function);
  const id = typeof call.id === "string" && call.id !== "" ? call.id : missingCallId(answerId, index);
  return { type: "tool_use", id, name, input: toolInput(text) };
}
