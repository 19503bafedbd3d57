import { ApiPromise } from "./api-promise.ts";
import type { Answered } from "./transport.ts";

/** A page of a list; the last one has no cursor. */
export type Page<T> = { readonly items: readonly T[]; readonly next_cursor: string | null };

/** Awaited, the first page of a list; iterated over, every item of all its pages, read as they are needed. */
export class PagePromise<T> extends ApiPromise<Page<T>> {
  readonly #following: (cursor: string) => PagePromise<T>;

  constructor(answered: Promise<Answered<Page<T>>>, following: (cursor: string) => PagePromise<T>) {
    super(answered);
    this.#following = following;
  }

  async *pages(): AsyncGenerator<Page<T>> {
    let page: Page<T> = await this;
    yield page;
    while (page.next_cursor !== null) {
      page = await this.#following(page.next_cursor);
      yield page;
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const { items } of this.pages()) yield* items;
  }
}
