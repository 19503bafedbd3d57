import { Readable } from "node:stream";
import { fastify } from "fastify";
import { tollgate } from "tollgate";
import { keepNote, listNotes, type Note, noteSchema } from "./notes.ts";

// The first start makes an embedded database, which takes some seconds.
const app = fastify({ pluginTimeout: 60_000 });
// Settings are the environment's. A route that does not say what governs it stops the start.
await app.register(tollgate, { ungoverned: "deny" });

const manage = { class: "manage", scope: "thoughts:read" } as const;
const capture = {
  class: "capture",
  scope: "thoughts:write",
  operation: "notes.keep",
  isAiCall: true,
} as const;
const query = { class: "query", scope: "thoughts:read", operation: "notes.summary", isAiCall: true } as const;

// As they were, but for the class and the scope.
app.post<{ Body: Note }>("/notes", { config: { tollgate: capture }, schema: noteSchema }, keepNote);
app.get("/notes", { config: { tollgate: manage } }, listNotes);

// New: a model reads the notes, and its caller, budget and ledger row are the request's.
app.get("/notes/summary", { config: { tollgate: query } }, async ({ ai, principal }) => {
  const { text, costUsd } = await ai.generate({ messages: await question(), maxTokens: 200 });
  return { user: principal.userId, summary: text, costUsd };
});
app.get("/notes/summary/live", { config: { tollgate: query } }, async ({ ai }, reply) => {
  return reply.type("text/plain").send(Readable.from(ai.stream({ messages: await question() })));
});

// Not governed, on purpose: as open as ever.
app.get("/healthz", { config: { tollgate: false } }, async () => ({ status: "ok" }));

async function question() {
  const notes = (await listNotes()).map(({ text }) => `- ${text}`).join("\n");
  return [
    { role: "system", content: "Summarise the notes in one sentence." },
    { role: "user", content: notes },
  ] as const;
}

process.once("SIGTERM", () => void app.close());
console.log(await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT ?? 3000) }));
