// Tables that are asked with words of clients: `__proto__` and `constructor` are not in them.

/** The same rows in an object that inherits nothing, so that `table[word]` is one of the rows or undefined, whatever the word. */
export const wordTable = <T>(rows: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.freeze(Object.assign(Object.create(null) as Record<string, T>, rows))
