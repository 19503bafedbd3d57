import { sql } from "kysely";
import type { Db } from "../store/tables.ts";
import { termsOf } from "./thoughts.words.ts";

/** What fits a question less than this share of the best is not shown. */
const LEAST_SHARE = 0.25;

/**
 * The user's thoughts that say words of the question, the best first: a word that few of the thoughts say weighs more,
 * whatever the language. Answers ids.
 */
export async function searchThoughts(
  db: Db,
  userId: string,
  question: string,
  limit: number,
): Promise<readonly number[]> {
  const terms = termsOf(question);
  if (terms.length === 0) return [];
  const { rows } = await sql<{ id: number }>`
    with hit as (
      select thoughts.id, term.place
      from unnest(${terms}::text[]) with ordinality as term (query, place)
      join thoughts on thoughts.user_id = ${userId} and thoughts.words @@ term.query::tsquery
    ),
    thought as (
      select count(*)::numeric as total from thoughts where user_id = ${userId}
    ),
    weight as (
      select place, ln(1 + (total - count(*) + 0.5) / (count(*) + 0.5)) ^ 2 as weight
      from hit cross join thought
      group by place, total
    ),
    found as (
      select id, sum(weight) as score from hit join weight using (place) group by id
    )
    select id
    from (select id, score, max(score) over () as best from found) as ranked
    where score >= best * ${LEAST_SHARE}::numeric
    order by score desc, id desc
    limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}
