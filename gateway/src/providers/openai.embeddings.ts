import { textOf } from "./json.ts";
import { openAiError } from "./openai.error.ts";
import { openAiMetered } from "./openai.metered.ts";
import { eventScan } from "./tap.scan.ts";
import { NOTHING_SEEN, type Wire } from "./wire.ts";

/** OpenAI's embeddings: whole answers only. What comes as a stream nevertheless passes unread. */
export const openAiEmbeddings: Wire = {
  name: "openai-embeddings",
  scan: eventScan({ read: [], marks: [], finish: [], text: [] }),
  whole: (answer) => ({
    isAnswer: Array.isArray(answer.data),
    model: textOf(answer.model),
    metered: openAiMetered(answer),
    isOutputCounted: true,
    textBytes: 0,
    error: openAiError(answer),
  }),
  events: () => ({ read: () => "pass", seen: () => NOTHING_SEEN }),
};
