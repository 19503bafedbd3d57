import type { FastifyReply, FastifyRequest } from "fastify";

/** An app's handlers as they were before it was governed: nothing here knows of Tollgate. */
export type Note = { readonly text: string };

const notes: Note[] = [];

export const noteSchema = {
  body: { type: "object", required: ["text"], properties: { text: { type: "string", maxLength: 2000 } } },
} as const;

export async function keepNote({ body }: FastifyRequest<{ Body: Note }>, reply: FastifyReply): Promise<Note> {
  notes.push({ text: body.text });
  reply.code(201);
  return { text: body.text };
}

export async function listNotes(): Promise<readonly Note[]> {
  return notes;
}
