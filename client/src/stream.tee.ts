/** An answer as it is written. It can be iterated over once; leaving the loop ends the call. */
export type EventStream<T> = AsyncIterable<T> & {
  /** Ends the call; whoever iterates gets no more. */
  abort(): void;
  /** Two streams in place of this one, each with everything. The call ends when both have been left. */
  tee(): readonly [EventStream<T>, EventStream<T>];
};

/** @param leave Called as soon as a loop is left, also while it waits for the next event. */
export function eventStream<T>(source: AsyncGenerator<T>, abort: () => void, leave = abort): EventStream<T> {
  const iterator: AsyncIterableIterator<T, undefined> = {
    next: () => source.next(),
    return() {
      leave();
      return source.return(undefined);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return { [Symbol.asyncIterator]: () => iterator, abort, tee: () => tee(source, abort) };
}

type Side<T> = { readonly waiting: Promise<IteratorResult<T>>[]; isLeft: boolean };

/** Whoever has nothing waiting asks the source for the next event, on behalf of both. */
function tee<T>(source: AsyncGenerator<T>, abort: () => void): readonly [EventStream<T>, EventStream<T>] {
  const sides: readonly [Side<T>, Side<T>] = [
    { waiting: [], isLeft: false },
    { waiting: [], isLeft: false },
  ];

  async function* branch(own: Side<T>): AsyncGenerator<T> {
    while (!own.isLeft) {
      if (own.waiting.length === 0) {
        const next = source.next();
        // The other side may never come to what went wrong.
        next.catch(() => {});
        for (const side of sides) if (!side.isLeft) side.waiting.push(next);
      }
      const { done, value } = await own.waiting.shift()!;
      if (done) return;
      yield value;
    }
  }

  function half(own: Side<T>): EventStream<T> {
    return eventStream(branch(own), abort, () => {
      own.isLeft = true;
      own.waiting.length = 0;
      if (sides.every(({ isLeft }) => isLeft)) abort();
    });
  }

  return [half(sides[0]), half(sides[1])];
}
