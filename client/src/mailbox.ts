/** What is put in at one end is taken out at the other, in order. */
export type Mailbox<T> = AsyncIterable<T> & {
  put(item: T): void;
  /** Nothing more comes: whoever takes meets the end, or the error, behind what is still there. */
  close(error?: unknown): void;
};

export function mailbox<T>(): Mailbox<T> {
  const items: T[] = [];
  let end: { readonly error: unknown } | undefined;
  let wake = (): void => {};

  async function* take(): AsyncGenerator<T> {
    for (;;) {
      while (items.length > 0) yield items.shift()!;
      if (end?.error !== undefined) throw end.error;
      if (end !== undefined) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    put(item) {
      items.push(item);
      wake();
    },
    close(error) {
      end ??= { error };
      wake();
    },
    [Symbol.asyncIterator]: take,
  };
}
