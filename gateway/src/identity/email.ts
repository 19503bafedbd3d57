import { z } from "zod";

/** What can be an address to sign in with. */
export const emailForm = z.email().max(254);

/** What makes two spellings the same address: trimmed, NFC, ASCII in lower case. */
export function normalisedEmail(email: string): string {
  return email
    .trim()
    .normalize("NFC")
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
