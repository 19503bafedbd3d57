import type { Chance } from "../../lib/ids.ts";
import { newPassword, type Place } from "./demo.place.ts";
import { type Answer, type Asking, claim, type Tour } from "./demo.tour.ts";

/** Who takes part: Ann, who writes programs (`KEY`), and an administrator (`ADMIN`). */
export async function invite(tour: Tour, { administrator }: Place, chance: Chance): Promise<void> {
  const ann = { email: "ann@tollgate.example", password: newPassword(chance) };
  const { status, text } = await tour.ask("POST /auth/register", { json: { ...ann, name: "Ann" } });
  claim(status === 201, `an account is made: ${text}`);
  await giveKey(tour, "KEY", await signIn(tour, ann));
  await giveKey(tour, "ADMIN", await signIn(tour, administrator));
}

type Account = { readonly email: string; readonly password: string };

async function signIn(tour: Tour, account: Account): Promise<string> {
  const answer = await tour.ask("POST /auth/login", { json: account });
  claim(answer.status === 200, `signing in works: ${answer.text}`);
  return answer.read<{ access_token: string }>().access_token;
}

async function giveKey(tour: Tour, name: string, accessToken: string): Promise<void> {
  const headers = { authorization: `Bearer ${accessToken}` };
  tour.name(name, keyIn(await tour.ask("POST /auth/api-keys", { headers, json: { name } })));
}

/** Shows how a key of whoever asks is made. */
export async function showNewKey(tour: Tour, name: string, asking: Asking): Promise<void> {
  const answer = await tour.ask("POST /auth/api-keys", asking);
  tour.show(answer, "201 {…}");
  tour.name(name, keyIn(answer));
}

function keyIn(answer: Answer): string {
  claim(answer.status === 201, `a key is made: ${answer.text}`);
  return answer.read<{ key: string }>().key;
}
