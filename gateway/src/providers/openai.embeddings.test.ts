import fc from "fast-check";
import { openAiEmbeddings } from "./openai.embeddings.ts";
import { wireContract } from "./wire.contract.ts";

const twins = fc.nat().map((tokens) => ({
  whole: {
    object: "list",
    model: "embed",
    data: [{ object: "embedding", index: 0, embedding: [0.5, -0.25] }],
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  },
  stream: [],
}));

wireContract({ wire: openAiEmbeddings, text: [], finish: [], twins });
