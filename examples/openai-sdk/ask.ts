import OpenAI from "openai";

// OPENAI_BASE_URL is http://127.0.0.1:8080/v1, OPENAI_API_KEY a key of Tollgate's. Nothing else differs.
const client = new OpenAI({ defaultHeaders: { "X-Operation": "example.tolls" } });

const messages = [{ role: "user", content: "Tell me about tolls." }] as const;
const model = process.env.MODEL ?? "sim-echo";

const { data: whole, response } = await client.chat.completions
  .create({ model, messages: [...messages] })
  .withResponse();
console.log(whole.choices[0]?.message.content, "for", response.headers.get("x-tollgate-cost-usd"), "USD");

const stream = await client.chat.completions.create({ model, messages: [...messages], stream: true });
for await (const { choices } of stream) process.stdout.write(choices[0]?.delta.content ?? "");
process.stdout.write("\n");

try {
  await client.chat.completions.create({ model: "sim-429-3s", messages: [...messages] }, { maxRetries: 0 });
} catch (error) {
  if (error instanceof OpenAI.RateLimitError) console.log(error.code, error.headers.get("retry-after"));
  else throw error;
}
